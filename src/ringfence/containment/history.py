"""Read a machine's action history: what is ours, what is in the way, and what the machine's state is. Pure.

Defender's machine record has no isolation flag, so the last finished Isolate or Unisolate action decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from ringfence.defender.wire import ActionStatus, ActionType, MachineAction

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_OPEN = frozenset({ActionStatus.PENDING, ActionStatus.IN_PROGRESS})


def marker(containment_id: str) -> str:
    """Return the text in a comment by which an action is known as ours where a tenant drops the ExternalId."""
    return f"[Ringfence {containment_id}]"


def _made_at(action: MachineAction) -> datetime:
    return action.creation_date_time_utc or _EARLIEST


def of_isolation(actions: Iterable[MachineAction], machine_id: str) -> list[MachineAction]:
    """Return the Isolate and Unisolate actions of one machine, oldest first."""
    wanted = (ActionType.ISOLATE, ActionType.UNISOLATE)
    mine = [
        each for each in actions if (each.machine_id or "").casefold() == machine_id.casefold() and each.type in wanted
    ]
    return sorted(mine, key=_made_at)


def find_ours(
    actions: Sequence[MachineAction],
    kind: ActionType,
    *,
    external_id: str,
    containment_id: str,
    since: datetime | None,
) -> MachineAction | None:
    """Find the action that our request made: by its ExternalId, else by our marker in its comment, not before `since`.

    A minute is allowed for clocks that differ.
    """
    ours = [each for each in actions if each.type == kind and each.external_id == external_id]
    if not ours:
        earliest = (since or _EARLIEST + timedelta(minutes=1)) - timedelta(minutes=1)
        ours = [
            each
            for each in actions
            if each.type == kind
            and not each.external_id
            and marker(containment_id) in (each.requestor_comment or "")
            and _made_at(each) >= earliest
        ]
    return max(ours, key=_made_at, default=None)


@dataclass(frozen=True, slots=True)
class Observed:
    """What Defender did to a machine, as far as its history tells."""

    isolated: Literal["yes", "no", "unknown"]
    by: MachineAction | None
    open: tuple[MachineAction, ...]


def observe(actions: Sequence[MachineAction]) -> Observed:
    """Tell whether the machine is isolated, by which action, and which actions are still open."""
    still_open = tuple(each for each in actions if each.status in _OPEN)
    done = [each for each in actions if each.status == ActionStatus.SUCCEEDED]
    if not done:
        return Observed("no", None, still_open)
    # Actions can finish in another order than they were made: what finished last decides.
    last = max(done, key=lambda each: (each.last_update_date_time_utc or _made_at(each), _made_at(each)))
    return Observed("yes" if last.type == ActionType.ISOLATE else "no", last, still_open)


def owner_of(action: MachineAction) -> str:
    """Name who made an action, in words for people."""
    who = action.requestor or "somebody unknown"
    return f"{who} ({action.request_source})" if action.request_source else who
