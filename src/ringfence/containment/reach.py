"""What every move needs: the client of one account, the rows, what this round's list brought, and when to look again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ringfence import clock
from ringfence.containment import claims
from ringfence.containment.history import of_isolation
from ringfence.containment.model import Containment, State
from ringfence.containment.rounds import NOTHING, Seen, next_round
from ringfence.defender import DefenderClient, Priority
from ringfence.defender.errors import AuthenticationFailed, DefenderError, Unauthorized
from ringfence.defender.odata import both, eq, one_of
from ringfence.defender.wire import ActionType, MachineAction
from ringfence.storage import Database

# An effect is sent within this many seconds after it was announced. Shorter than the lease that the announcement renews, so
# that nobody else can be sending it at the same time.
SEND_WITHIN = 30.0
# A request that may have reached Defender counts as lost when it could not have been sent for so long and no trace is there.
LOST_AFTER = timedelta(seconds=SEND_WITHIN + 10.0)
# A process that was held up for longer between announcing and sending has lost the right to send.
_HELD_UP = timedelta(seconds=5)
_HISTORY = 100

CREDENTIAL_REFUSED = (AuthenticationFailed, Unauthorized)


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `until`; `detail` says what is awaited, for people."""

    until: datetime | None
    detail: str | None = None


Next = Containment | Rest


def purpose(containment: Containment) -> Priority:
    """Return what Defender is called for: to let go, to cut off, or to see what became of either."""
    releasing = containment.state in (State.RELEASING, State.RELEASE_FAILED)
    if releasing and containment.release_action_id is not None:
        return Priority.CONFIRM
    unwanted = containment.release_requested_at is not None
    if releasing or unwanted or (containment.state == State.PENDING and clock.now() >= containment.deadline_at):
        return Priority.RELEASE
    return Priority.CONFIRM if containment.state in (State.PENDING, State.CONTAINED) else Priority.CONTAIN


def sentence(error: DefenderError) -> str:
    """Say what Defender refused and what to do about it."""
    return f"{error.message or error.code} {error.advice}".strip()


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the moves of one account's containments reach; `seen` is what a list call of this round already brought."""

    database: Database
    client: DefenderClient
    interval: float
    seen: Seen = NOTHING

    async def history(self, machine_id: str) -> list[MachineAction]:
        """Read the newest isolations and releases of a machine, oldest first."""
        wanted = both(
            eq("machineId", machine_id), one_of("type", [ActionType.ISOLATE.value, ActionType.UNISOLATE.value])
        )
        listed = self.client.list_machine_actions(filter=wanted, order_by="creationDateTimeUtc desc", limit=_HISTORY)
        return of_isolation([action async for action in listed], machine_id)

    async def action(self, action_id: str) -> MachineAction:
        """Return an action as it stands, from the round's list where that has it."""
        return self.seen.actions.get(action_id) or await self.client.get_machine_action(action_id)

    async def send(
        self, announced_at: datetime | None, request: Callable[[], Awaitable[MachineAction]]
    ) -> MachineAction:
        """Send what was announced just now; TimeoutError where it is not, or no longer, ours to send."""
        if announced_at is None or clock.now() > announced_at + _HELD_UP:
            raise TimeoutError
        async with asyncio.timeout(SEND_WITHIN):
            return await request()

    def again(self, containment: Containment, detail: str, *, since: datetime | None = None) -> Rest:
        """Rest until the next look, which comes later the longer it has been since `since`."""
        age = (clock.now() - since).total_seconds() if since else 0.0
        # A device that is off may take days; asking every few seconds would use up the tenant's calls.
        slower = 1 if age < 120 else 3 if age < 900 else 12
        return Rest(next_round(containment.account_id, self.interval * slower), detail)

    async def move(self, containment: Containment, after: State, detail: str, **values: Any) -> Containment:
        """Move a claimed containment; see `claims.move`."""
        return await self.database.run(lambda tx: claims.move(tx, containment, after, detail, **values))

    async def note(self, containment: Containment, **values: Any) -> Containment:
        """Write facts about a claimed containment; see `claims.note`."""
        return await self.database.run(lambda tx: claims.note(tx, containment, **values))


def surely_lost(sent_at: datetime | None) -> bool:
    """Say whether what was announced then can no longer be on its way."""
    return sent_at is None or clock.now() >= sent_at + LOST_AFTER


def code(action: MachineAction) -> str:
    """Return the error that a device reported, in brackets, or nothing."""
    return f" (error 0x{action.error_h_result & 0xFFFFFFFF:08x})" if action.error_h_result else ""
