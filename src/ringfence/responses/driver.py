"""Drive responses: take what is due, let `moves` do what its state asks for, and turn failures into waiting or failing.

Any number of drivers may run; a lease with a fence number lets one at a time drive a response.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from ringfence import clock, logs
from ringfence.containment.driver import ClientSource
from ringfence.containment.reach import CREDENTIAL_REFUSED, Rest, sentence
from ringfence.defender.errors import DefenderError, Throttled
from ringfence.errors import LeaseLost, RingfenceError, Unavailable
from ringfence.responses import claims, deciding
from ringfence.responses.model import BEFORE_SENDING, Response, State
from ringfence.responses.moves import Moves, purpose
from ringfence.storage import Database, Transaction
from ringfence.storage.pump import LONGEST_SLEEP, pump

log = logs.get(__name__)

# What may make a response due: its own changes, those of the containment that it waits for, a credential that was proven.
_NOUNS = ("response", "containment", "approval", "account")
# Those who were refused together come back one after the other, and those that matter more come first.
_SPREAD = 0.5
_WITHOUT_CREDENTIAL = 15.0
_PERSON_NEEDED = 60.0
_AFTER_FAULT = 30.0


class Driver:
    """The long-running side of responses.

    `owner` names this process; `interval` is seconds between two looks; `at_a_time` responses are driven at once. `chance`
    (0 to 1) is a seam for tests.
    """

    def __init__(
        self,
        database: Database,
        clients: ClientSource,
        *,
        owner: str,
        interval: float = 5.0,
        at_a_time: int = 32,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clients = clients
        self._owner = owner
        self._interval = interval
        self._at_a_time = at_a_time
        self._chance = chance
        self._driving = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Drive until `stop`; what is begun is finished."""
        await pump(self._database, stop, self._pause, self._take, _NOUNS)

    async def drive_due(self) -> int:
        """Drive what is due now, each as far as it goes, and return how many that were."""
        due = await self._take()
        await asyncio.gather(*due)
        return len(due)

    async def _pause(self) -> float:
        due = await self._database.read(claims.next_due)
        if due is None or self._driving >= self._at_a_time:
            return LONGEST_SLEEP
        return min((due - clock.now()).total_seconds(), LONGEST_SLEEP)

    async def _take(self) -> list[Coroutine[Any, Any, None]]:
        room = self._at_a_time - self._driving
        if room <= 0:
            return []
        due = await self._database.run(lambda tx: claims.claim_due(tx, owner=self._owner, limit=room))
        self._driving += len(due)
        return [self._drive(each) for each in due]

    async def _drive(self, response: Response) -> None:
        with logs.bind(organization=response.organization_id, response=response.id):
            try:
                client = await self._clients.get(response.account_id)
                moves = Moves(self._database, client, self._interval)
                while True:
                    result = await moves.next(response)
                    if isinstance(result, Rest):
                        await self._rest(response, result)
                        return
                    log.info("response moved", kind=result.kind.value, state=result.state.value)
                    if result.over:
                        return
                    response = result
            except LeaseLost:
                log.warning("the response is driven elsewhere")
            except (DefenderError, RingfenceError) as error:
                await self._handle(response, error)
            except Exception:
                log.exception("the response could not be driven")
                await self._rest(response, Rest(_in(_AFTER_FAULT), "An internal error; see the server's log."))
            finally:
                self._driving -= 1

    async def _rest(self, response: Response, rest: Rest) -> None:
        await self._database.run(lambda tx: claims.rest(tx, response, until=rest.until, detail=rest.detail))

    async def _handle(self, response: Response, error: DefenderError | RingfenceError) -> None:
        """Wait where waiting can help or a person must act first; fail where the same request would fail again."""
        log.warning("response has to wait", error=str(error), state=response.state.value)
        if isinstance(error, RingfenceError):
            pause = _WITHOUT_CREDENTIAL if isinstance(error, Unavailable) else _AFTER_FAULT
            rest = Rest(_in(pause), f"Waiting: {error}")
        elif isinstance(error, CREDENTIAL_REFUSED):
            await self._clients.report(response.account_id, error)
            rest = Rest(_in(_WITHOUT_CREDENTIAL), f"Waiting for a working credential: {sentence(error)}")
        else:
            rest = Rest(_in(self._pause_after(response, error)), f"Waiting to try again: {sentence(error)}")
            if error.permanent:
                failed = await self._database.run(lambda tx: _fail(tx, response, error))
                if failed:
                    return
        await self._database.run(lambda tx: _wait(tx, response, rest))

    def _pause_after(self, response: Response, error: DefenderError) -> float:
        if isinstance(error, Throttled):
            late = (purpose(response) + self._chance()) * _SPREAD
            return max(error.retry_after or 0.0, self._interval) + late
        # What is in effect, or about to be, is never given up on: a person mends what is wrong, and it goes on.
        return max(_PERSON_NEEDED, self._interval) if error.permanent else self._interval


def _in(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def _wait(tx: Transaction, response: Response, rest: Rest) -> None:
    """Make the move that needs no Defender, so that what is not wanted any more does not wait; else rest."""
    fresh = claims.current_claim(tx, response)
    if fresh is None:
        return
    moved = deciding.without_defender(tx, fresh)
    if moved is None or not moved.over:
        claims.rest(tx, moved or fresh, until=rest.until, detail=rest.detail)


def _fail(tx: Transaction, response: Response, error: DefenderError) -> bool:
    """End what was never sent; say of what is being undone that it is not, and that it will be tried again."""
    fresh = claims.current_claim(tx, response)
    if fresh is None:
        return False
    facts = {"error": error.code}
    if fresh.state in BEFORE_SENDING and fresh.submitted_at is None:
        claims.move(tx, fresh, State.FAILED, sentence(error), facts=facts)
        return True
    if fresh.state is State.UNDOING:
        detail = f"{sentence(error)} It is still in effect; trying again in {_PERSON_NEEDED:.0f} s."
        failed = claims.move(tx, fresh, State.UNDO_FAILED, detail, facts=facts, attempts=fresh.attempts + 1)
        claims.rest(tx, failed, until=_in(_PERSON_NEEDED))
        return True
    return False
