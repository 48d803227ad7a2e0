"""Drive containments: take what is due, let `moves` do what its state asks for, and turn failures into waiting or failing.

Any number of drivers may run; a lease with a fence number lets one at a time drive a containment. What waits holds nothing
but its row.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from ringfence import clock, logs
from ringfence.containment import service
from ringfence.containment.model import Containment, State
from ringfence.containment.moves import Moves, Rest
from ringfence.defender import DefenderClient
from ringfence.defender.errors import AuthenticationFailed, DefenderError, Throttled, Unauthorized
from ringfence.defender.odata import both, ge, one_of
from ringfence.defender.wire import ActionType, MachineAction
from ringfence.errors import LeaseLost, Unavailable
from ringfence.storage import Database, Transaction

log = logs.get(__name__)

_AT_A_TIME = 16
_LEASE = 60.0
_WITHOUT_CREDENTIAL = 15.0


class ClientSource(Protocol):
    """Gives the client of an account, and is told when the account's credential turns out to be bad."""

    async def get(self, account_id: str) -> DefenderClient:
        """Return the client; raise Unavailable while the account has no proven credential."""

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Take note of a failure; returns whether it speaks of the credential, which is then not used until proven."""


class Driver:
    """The long-running side of containment. `owner` names this process; `interval` is seconds between two looks."""

    def __init__(self, database: Database, clients: ClientSource, *, owner: str, interval: float = 5.0) -> None:
        self._database = database
        self._clients = clients
        self._owner = owner
        self._interval = interval
        self._places = asyncio.Semaphore(_AT_A_TIME)

    async def run(self, stop: asyncio.Event) -> None:
        """Drive until `stop`; a change in the database or the next due moment wakes it."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()

        def ring() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)

        take_off = self._database.on_change(ring)
        stopping = asyncio.ensure_future(stop.wait())
        driving: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                wake.clear()
                due = await self._database.run(
                    lambda tx: service.claim_due(tx, owner=self._owner, lease=_LEASE, limit=_AT_A_TIME * 2)
                )
                if due:
                    task = asyncio.ensure_future(self._drive_all(due))
                    driving.add(task)
                    task.add_done_callback(driving.discard)
                    task.add_done_callback(lambda _: wake.set())
                    continue
                ringing = asyncio.ensure_future(wake.wait())
                await asyncio.wait(
                    {ringing, stopping}, timeout=await self._pause(), return_when=asyncio.FIRST_COMPLETED
                )
                ringing.cancel()
        finally:
            take_off()
            stopping.cancel()
            await asyncio.gather(*driving, return_exceptions=True)

    async def _pause(self) -> float:
        next_due = await self._database.read(service.next_due)
        if next_due is None:
            return 5.0
        return min(max((next_due - clock.now()).total_seconds(), 0.02), 5.0)

    async def drive_due(self) -> int:
        """Drive what is due now, each as far as it goes, and return how many that were."""
        due = await self._database.run(lambda tx: service.claim_due(tx, owner=self._owner, lease=_LEASE))
        await self._drive_all(due)
        return len(due)

    async def _drive_all(self, due: Iterable[Containment]) -> None:
        by_account: dict[str, list[Containment]] = defaultdict(list)
        for containment in due:
            by_account[containment.account_id].append(containment)
        await asyncio.gather(*(self._drive_account(account_id, group) for account_id, group in by_account.items()))

    async def _drive_account(self, account_id: str, group: list[Containment]) -> None:
        try:
            client = await self._clients.get(account_id)
            seen = await self._watched(client, group)
        except Unavailable as error:
            await self._all_rest(group, _WITHOUT_CREDENTIAL, f"Waiting: {error}")
            return
        except DefenderError as error:
            await asyncio.gather(*(self._handle(containment, error) for containment in group))
            return
        moves = Moves(self._database, client, self._interval, seen)
        await asyncio.gather(*(self._drive(containment, moves) for containment in group))

    async def _watched(self, client: DefenderClient, group: list[Containment]) -> dict[str, MachineAction]:
        """Read all awaited actions of an account by one call, if there is more than one."""
        awaited = [each for each in group if each.state in (State.PENDING, State.RELEASING)]
        since = [each.release_submitted_at or each.accepted_at for each in awaited]
        times = [each for each in since if each is not None]
        if len(times) < 2:
            return {}
        wanted = both(
            ge("creationDateTimeUtc", min(times) - timedelta(minutes=5)),
            one_of("type", [ActionType.ISOLATE.value, ActionType.UNISOLATE.value]),
        )
        return {each.id: each async for each in client.list_machine_actions(filter=wanted)}

    async def _drive(self, containment: Containment, moves: Moves) -> None:
        async with self._places:
            with logs.bind(organization=containment.organization_id, containment=containment.id):
                try:
                    while True:
                        result = await moves.next(containment)
                        if isinstance(result, Rest):
                            return await self._rest(containment, result)
                        log.info("containment moved", state=result.state.value, machine=result.machine_name)
                        if result.final:
                            return None
                        containment = result
                except LeaseLost:
                    log.warning("containment is driven elsewhere")
                except DefenderError as error:
                    await self._handle(containment, error)
                except Exception:
                    log.exception("containment could not be driven")
                    await self._rest(
                        containment,
                        Rest(clock.now() + timedelta(seconds=30), "An internal error; see the server's log."),
                    )
        return None

    async def _rest(self, containment: Containment, rest: Rest) -> None:
        await self._database.run(lambda tx: service.rest(tx, containment, until=rest.until, detail=rest.detail))

    async def _all_rest(self, group: list[Containment], seconds: float, detail: str) -> None:
        until = clock.now() + timedelta(seconds=seconds)
        for containment in group:
            await self._rest(containment, Rest(until, detail))

    async def _handle(self, containment: Containment, error: DefenderError) -> None:
        """Wait where waiting can help or a person must act first; fail where the same request would fail again."""
        log.warning("Defender refused", error=str(error), state=containment.state.value)
        detail = f"{error.message or error.code} {error.advice}".strip()
        if isinstance(error, AuthenticationFailed | Unauthorized):
            await self._clients.report(containment.account_id, error)
            await self._all_rest([containment], _WITHOUT_CREDENTIAL, f"Waiting for a working credential: {detail}")
            return
        before_effect = containment.state in (State.REQUESTED, State.APPROVED)
        if error.permanent and before_effect:
            await self._database.run(lambda tx: _fail(tx, containment, detail))
            return
        pause = self._interval
        if isinstance(error, Throttled):
            pause = max(error.retry_after or 0.0, self._interval)
        elif error.permanent:
            # A host that is cut off, or about to be, is never given up on: a person mends what is wrong, we go on.
            pause = 60.0
        await self._all_rest([containment], pause, f"Waiting to try again: {detail}")


def _fail(tx: Transaction, containment: Containment, detail: str) -> None:
    # The move may have written another state before it failed, under the same claim.
    fresh = service.get(tx, containment.id)
    if fresh.fence == containment.fence and not fresh.final:
        service.move(tx, fresh, State.FAILED, detail)
