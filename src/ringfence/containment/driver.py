"""Drive containments: take what is due, let `moves` do what its state asks for, and turn failures into waiting or failing.

Any number of drivers may run; a lease with a fence number lets one at a time drive a containment. What waits holds nothing
but its row.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from ringfence import clock, logs
from ringfence.containment import claims, deciding, exchanges
from ringfence.containment.model import Containment, State
from ringfence.containment.moves import Moves
from ringfence.containment.reach import CREDENTIAL_REFUSED, Rest, purpose, sentence
from ringfence.containment.rounds import NOTHING, Rounds, Seen, awaited_since
from ringfence.defender import DefenderClient
from ringfence.defender.errors import DefenderError, Throttled
from ringfence.defender.witness import Exchange, witnessed
from ringfence.errors import LeaseLost, RingfenceError, Unavailable
from ringfence.storage import Database, Transaction
from ringfence.storage.pump import LONGEST_SLEEP, pump
from ringfence.storage.turns import SOON, URGENT, patience

log = logs.get(__name__)

# What may make a containment due: its own changes, an answer about it, a look at the machine, a credential that was proven.
_NOUNS = ("containment", "approval", "isolation", "account")
_FOR_RELEASES = 16
# Those who were refused together come back one after the other, and those that matter more come first.
_SPREAD = 0.5
_WITHOUT_CREDENTIAL = 15.0
_PERSON_NEEDED = 60.0
_AFTER_FAULT = 30.0


class ClientSource(Protocol):
    """Gives the client of an account, and is told when the account's credential turns out to be bad."""

    async def get(self, account_id: str) -> DefenderClient:
        """Return the client; raise Unavailable while the account has no proven credential."""

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Take note of a failure; returns whether it speaks of the credential, which is then not used until proven."""


class Driver:
    """The long-running side of containment.

    `owner` names this process; `interval` is seconds between two looks; `at_a_time` containments are driven at once, and
    a few more where they are to be released. `chance` (0 to 1) is a seam for tests. Of a body of a request or
    reply, `largest_body` characters are kept.
    """

    def __init__(
        self,
        database: Database,
        clients: ClientSource,
        *,
        owner: str,
        interval: float = 5.0,
        at_a_time: int = 64,
        largest_body: int = exchanges.LARGEST,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clients = clients
        self._owner = owner
        self._interval = interval
        self._at_a_time = at_a_time
        self._chance = chance
        self._largest = largest_body
        self._rounds = Rounds(interval)
        self._listed: dict[str, list[Exchange]] = {}
        self._driving = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Drive until `stop`; a change in the database or the next due moment wakes it. What is begun is finished."""
        await pump(self._database, stop, self._pause, self._take, _NOUNS)

    async def drive_due(self) -> int:
        """Drive what is due now, each as far as it goes, and return how many that were."""
        due = await self._claim()
        await asyncio.gather(*self._work(due))
        return len(due)

    @property
    def _full(self) -> bool:
        """Whether there is room for releases alone."""
        return self._driving >= self._at_a_time

    async def _claim(self) -> list[Containment]:
        full = self._full
        room = self._at_a_time + (_FOR_RELEASES if full else 0) - self._driving
        if room <= 0:
            return []
        with patience(URGENT):
            return await self._database.run(
                lambda tx: claims.claim_due(tx, owner=self._owner, limit=room, releases_only=full)
            )

    async def _take(self) -> list[Coroutine[Any, Any, None]]:
        return self._work(await self._claim())

    def _work(self, due: list[Containment]) -> list[Coroutine[Any, Any, None]]:
        self._driving += len(due)
        return [self._drive_account(account_id, group) for account_id, group in _by_account(due)]

    async def _pause(self) -> float:
        full = self._full
        with patience(URGENT):
            next_due = await self._database.read(lambda tx: claims.next_due(tx, releases_only=full))
        if next_due is None or self._driving >= self._at_a_time + _FOR_RELEASES:
            return LONGEST_SLEEP
        return min((next_due - clock.now()).total_seconds(), LONGEST_SLEEP)

    async def _drive_account(self, account_id: str, group: list[Containment]) -> None:
        try:
            try:
                with patience(URGENT):
                    client = await self._clients.get(account_id)
            except (DefenderError, RingfenceError) as error:
                fault = error
                await asyncio.gather(*(self._handle(each, fault) for each in group))
                return
            moments = {each.id: awaited_since(each) for each in group}
            listed = [each for each in group if moments[each.id] is not None]
            single = [each for each in group if moments[each.id] is None]
            await asyncio.gather(
                *(self._drive(each, self._moves(client)) for each in single),
                self._drive_listed(account_id, client, listed, [each for each in moments.values() if each]),
            )
        except Exception:
            # The leases run out, and then they are driven again.
            log.exception("the containments of an account could not be driven", account=account_id)
        finally:
            self._driving -= len(group)

    async def _drive_listed(
        self, account_id: str, client: DefenderClient, group: list[Containment], moments: list[datetime]
    ) -> None:
        """Drive those of whom a list tells how they stand; what stops the list concerns nobody else."""
        met: list[Exchange] = []
        try:
            with witnessed(met.append):
                seen = await self._rounds.look(account_id, client, moments)
            # Whoever comes while the list is fresh is told by it too.
            self._listed[account_id] = met = met or self._listed.get(account_id, [])
            if seen.actions:
                await exchanges.record(self._database, group, met, largest=self._largest)
        except (DefenderError, RingfenceError) as error:
            fault = error
            await asyncio.gather(*(self._handle(each, fault) for each in group))
        else:
            await asyncio.gather(*(self._drive(each, self._moves(client, seen)) for each in group))

    def _moves(self, client: DefenderClient, seen: Seen = NOTHING) -> Moves:
        return Moves(self._database, client, self._interval, seen)

    async def _drive(self, containment: Containment, moves: Moves) -> None:
        # Soon, whatever it is about: it has one of the places of this driver, for which others wait.
        with logs.bind(organization=containment.organization_id, containment=containment.id), patience(SOON):
            try:
                while True:
                    async with exchanges.recorded(self._database, containment, largest=self._largest):
                        result = await moves.next(containment)
                    if isinstance(result, Rest):
                        await self._rest(containment, result)
                        return
                    log.info("containment moved", state=result.state.value, machine=result.machine_name)
                    if result.final:
                        return
                    containment = result
            except LeaseLost:
                log.warning("the containment is driven elsewhere")
            except (DefenderError, RingfenceError) as error:
                await self._handle(containment, error)
            except Exception:
                log.exception("the containment could not be driven")
                detail = "An internal error; see the server's log."
                await self._rest(containment, Rest(_in(_AFTER_FAULT), detail))

    async def _rest(self, containment: Containment, rest: Rest) -> None:
        await self._database.run(lambda tx: claims.rest(tx, containment, until=rest.until, detail=rest.detail))

    async def _handle(self, containment: Containment, error: DefenderError | RingfenceError) -> None:
        """Wait where waiting can help or a person must act first; fail where the same request would fail again."""
        log.warning("containment has to wait", error=str(error), state=containment.state.value)
        if isinstance(error, RingfenceError):
            pause = _WITHOUT_CREDENTIAL if isinstance(error, Unavailable) else _AFTER_FAULT
            rest = Rest(_in(pause), f"Waiting: {error}")
        elif isinstance(error, CREDENTIAL_REFUSED):
            await self._clients.report(containment.account_id, error)
            rest = Rest(_in(_WITHOUT_CREDENTIAL), f"Waiting for a working credential: {sentence(error)}")
        else:
            rest = Rest(_in(self._pause_after(containment, error)), f"Waiting to try again: {sentence(error)}")
            if error.permanent and _never_sent(containment):
                await self._database.run(lambda tx: _fail(tx, containment, sentence(error)))
                return
        await self._database.run(lambda tx: _wait(tx, containment, rest))

    def _pause_after(self, containment: Containment, error: DefenderError) -> float:
        if isinstance(error, Throttled):
            late = (purpose(containment) + self._chance()) * _SPREAD
            return max(error.retry_after or 0.0, self._interval) + late
        # A host that is cut off, or about to be, is never given up on: a person mends what is wrong, and it goes on.
        return max(_PERSON_NEEDED, self._interval) if error.permanent else self._interval


def _by_account(due: Iterable[Containment]) -> Iterable[tuple[str, list[Containment]]]:
    groups: dict[str, list[Containment]] = defaultdict(list)
    for containment in due:
        groups[containment.account_id].append(containment)
    return groups.items()


def _in(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


_BEFORE_SENDING = (State.REQUESTED, State.AWAITING_APPROVAL, State.APPROVED)


def _never_sent(containment: Containment) -> bool:
    return containment.state in _BEFORE_SENDING and containment.submitted_at is None


def _wait(tx: Transaction, containment: Containment, rest: Rest) -> None:
    """Make the move that needs no Defender, so that what is not wanted any more does not wait; else rest."""
    fresh = claims.current_claim(tx, containment)
    if fresh is None:
        return
    moved = deciding.without_defender(tx, fresh)
    if moved is None or not moved.final:
        claims.rest(tx, moved or fresh, until=rest.until, detail=rest.detail)


def _fail(tx: Transaction, containment: Containment, detail: str) -> None:
    fresh = claims.current_claim(tx, containment)
    if fresh is not None and _never_sent(fresh):
        claims.move(tx, fresh, State.FAILED, detail)
