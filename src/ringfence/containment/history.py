"""Read a machine's action history: what is ours, what is in the way, and what the machine's state is. Pure.

Defender's machine record has no isolation flag, so the last finished Isolate or Unisolate action decides.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ringfence.defender.wire import ActionStatus, ActionType, MachineAction

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def marker(key: str) -> str:
    """Return the text in a comment by which an action is known as ours where a tenant drops the ExternalId."""
    return f"[{key}]"


def made_at(action: MachineAction) -> datetime:
    """Return when an action was made, the earliest moment if Defender does not say."""
    return action.creation_date_time_utc or _EARLIEST


def _finished_at(action: MachineAction) -> tuple[datetime, datetime]:
    return action.last_update_date_time_utc or made_at(action), made_at(action)


def of_isolation(actions: Iterable[MachineAction], machine_id: str) -> list[MachineAction]:
    """Return the Isolate and Unisolate actions of one machine, oldest first."""
    wanted = (ActionType.ISOLATE, ActionType.UNISOLATE)
    mine = [each for each in actions if (each.machine_id or "").lower() == machine_id.lower() and each.type in wanted]
    return sorted(mine, key=made_at)


def _carries(action: MachineAction, key: str) -> bool:
    return action.external_id == key or marker(key) in (action.requestor_comment or "")


def find_ours(actions: Iterable[MachineAction], kind: ActionType, key: str) -> MachineAction | None:
    """Find the action that our request made: by its ExternalId, or by the same key as a marker in its comment."""
    ours = [each for each in actions if each.type == kind and _carries(each, key)]
    return max(ours, key=made_at, default=None)


def is_of(action: MachineAction, containment_id: str) -> bool:
    """Say whether any request of a containment made the action."""
    beginning = f"ringfence:{containment_id}:"
    return (action.external_id or "").startswith(beginning) or f"[{beginning}" in (action.requestor_comment or "")


@dataclass(frozen=True, slots=True)
class Observed:
    """What Defender did to a machine, as far as its history tells."""

    isolated: bool
    by: MachineAction | None
    open: tuple[MachineAction, ...]


def observe(actions: Sequence[MachineAction]) -> Observed:
    """Tell whether the machine is isolated, by which action, and which actions are still open."""
    still_open = tuple(each for each in actions if not each.is_final)
    # Actions can finish in another order than they were made: what finished last decides.
    last = max((each for each in actions if each.status == ActionStatus.SUCCEEDED), key=_finished_at, default=None)
    return Observed(last is not None and last.type == ActionType.ISOLATE, last, still_open)


def released_after(actions: Sequence[MachineAction], isolate_action_id: str | None) -> MachineAction | None:
    """Return the last release that finished after the given isolation did; None if there is none, or no such isolation."""
    ours = next((each for each in actions if each.id == isolate_action_id), None)
    if ours is None:
        return None
    later = [
        each
        for each in actions
        if each.type == ActionType.UNISOLATE
        and each.status == ActionStatus.SUCCEEDED
        and _finished_at(each) > _finished_at(ours)
    ]
    return max(later, key=_finished_at, default=None)


def isolated_by_others(actions: Sequence[MachineAction]) -> MachineAction | None:
    """Return the last isolation of somebody else that no release followed, whichever isolation finished last."""
    done = [each for each in actions if each.status == ActionStatus.SUCCEEDED]
    freed = max((_finished_at(each) for each in done if each.type == ActionType.UNISOLATE), default=None)
    theirs = [
        each
        for each in done
        if each.type == ActionType.ISOLATE
        and containment_of(each) is None
        and (freed is None or _finished_at(each) > freed)
    ]
    return max(theirs, key=_finished_at, default=None)


def owner_of(action: MachineAction) -> str:
    """Name who made an action, in words for people."""
    who = action.requestor or "somebody unknown"
    return f"{who} ({action.request_source})" if action.request_source else who


_KEY = re.compile(r"ringfence:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(?:isolate|release:[0-9]+)")


def containment_of(action: MachineAction) -> str | None:
    """Return the id of the containment that an action says it was made for; whether it is one of ours is for rows to tell."""
    found = _KEY.fullmatch(action.external_id or "")
    if found is None:
        found = re.search(rf"\[{_KEY.pattern}\]", action.requestor_comment or "")
    return found.group(1) if found else None


def finished_at(action: MachineAction) -> datetime:
    """Return when an action that is over ended, as far as Defender says."""
    return _finished_at(action)[0]
