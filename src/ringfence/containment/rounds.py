"""One list call for all that a tenant's containments wait for, instead of one call for each.

The newest isolations and releases of a tenant are read together, and serve whoever asks within the same round.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zlib import crc32

from ringfence import clock, logs
from ringfence.containment.history import of_isolation
from ringfence.containment.model import Containment, State
from ringfence.defender import DefenderClient, MalformedReply, Priority, priority
from ringfence.defender.odata import both, ge, one_of
from ringfence.defender.wire import ActionType, MachineAction

log = logs.get(__name__)

_PAGE = 10_000
_NEVER = datetime.max.replace(tzinfo=UTC)
# Clocks differ, and an action may have been made well before its reply came.
_MARGIN = timedelta(hours=1)
# What began longer ago is asked for by itself: a list that reaches so far back would be mostly of other things.
_LISTED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Seen:
    """The isolations and releases of all machines, by id, made since a moment and as they stood when `read_at`."""

    actions: Mapping[str, MachineAction] = field(default_factory=dict)
    since: datetime = _NEVER
    read_at: float = 0.0
    complete: bool = False

    def history(self, machine_id: str, isolate_action_id: str | None) -> list[MachineAction] | None:
        """Return what was done to a machine since a certain isolation, oldest first; None if some of it may be missing.

        That the isolation itself is among the actions proves that they reach back far enough.
        """
        if not self.complete or isolate_action_id not in self.actions:
            return None
        return of_isolation(self.actions.values(), machine_id)


NOTHING = Seen()


def awaited_since(containment: Containment) -> datetime | None:
    """Return when the action was accepted that a look concerns, None where the look is not about a list's worth.

    Who is to be let go does not queue behind a list.
    """
    ours, now = containment, clock.now()
    unwanted = ours.release_requested_at is not None
    match ours.state:
        case State.PENDING if not unwanted and now < ours.deadline_at:
            since = ours.accepted_at
        case State.CONTAINED if not unwanted and (ours.auto_release_at is None or now < ours.auto_release_at):
            since = ours.accepted_at
        case State.RELEASING if ours.release_action_id is not None:
            since = ours.release_submitted_at
        case _:
            return None
    return since if since is not None and since > now - _LISTED else None


class Rounds:
    """Reads the list of each tenant at most once in `interval` seconds, unless more is asked for than it holds."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._seen: dict[str, Seen] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def look(self, account_id: str, client: DefenderClient, moments: Sequence[datetime]) -> Seen:
        """Return the actions since the earliest of the moments, or nothing if reading them costs no less than one each."""
        if not moments:
            return NOTHING
        since = min(moments) - _MARGIN
        async with self._locks.setdefault(account_id, asyncio.Lock()):
            self._seen = {each: seen for each, seen in self._seen.items() if self._is_fresh(seen)}
            held = self._seen.get(account_id)
            if held is not None and held.since <= since:
                return held
            if len(moments) < 2:
                return NOTHING
            self._seen[account_id] = found = await read(client, since)
            return found

    def _is_fresh(self, seen: Seen) -> bool:
        # A clock that was set back must not keep a list for ever.
        return 0 <= clock.timestamp() - seen.read_at <= self._interval


async def read(client: DefenderClient, since: datetime) -> Seen:
    """Read the isolations and releases of all machines of a tenant that were made since a moment."""
    wanted = both(
        ge("creationDateTimeUtc", since),
        one_of("type", [ActionType.ISOLATE.value, ActionType.UNISOLATE.value]),
    )
    actions: dict[str, MachineAction] = {}
    began, complete = clock.timestamp(), True
    try:
        with priority(Priority.CONFIRM):
            async for action in client.list_machine_actions(filter=wanted, top=_PAGE):
                actions[action.id] = action
    except MalformedReply:
        # One odd action must not hold up all: whatever is missing here is asked for by its id.
        log.warning("some machine actions could not be read")
        complete = False
    return Seen(actions, since, began, complete)


def next_round(account_id: str, step: float) -> datetime:
    """Return the next moment, at most `step` seconds ahead, at which the containments of an account are looked at together.

    The moments of different accounts differ, so that a worker's load is even. Those of a step are among those of each
    other step that divides it.
    """
    now = clock.timestamp()
    offset = crc32(account_id.encode()) % 3600
    ahead = step - (now - offset) % step
    return clock.now() + timedelta(seconds=ahead)
