"""What Defender did to a machine, whoever asked for it, and how that differs from what we want. Pure.

The isolation or release that succeeded last decides. What is known of a machine is carried on from round to round, since a
round reads only what is new.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ringfence.containment.history import containment_of, finished_at, made_at, observe, owner_of
from ringfence.containment.model import FINAL, HELD, Containment, State
from ringfence.defender.wire import ActionType, MachineAction


class HostState(StrEnum):
    """How a machine stands in Defender."""

    ISOLATED = "isolated"
    FREE = "free"
    IN_PROGRESS = "in_progress"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Who took an action: Ringfence, a person in the portal, Defender itself, another tool by the API, or who knows."""

    OURS = "ringfence"
    PERSON = "person"
    DEFENDER = "defender"
    TOOL = "tool"
    UNKNOWN = "unknown"


class Drift(StrEnum):
    """How what Defender did differs from what we want; it is reported and never fought."""

    NONE = ""
    RELEASED_OUTSIDE = "released_outside"
    ISOLATED_ON_TOP = "isolated_on_top"
    ISOLATED_AGAIN = "isolated_again"
    LEFT_BEHIND = "left_behind"


SENTENCES: Final = {
    Drift.NONE: "",
    Drift.RELEASED_OUTSIDE: "Ringfence wants it isolated, and somebody outside released it.",
    Drift.ISOLATED_ON_TOP: "Ringfence holds it, and somebody else isolated it too: it will not be ours to release.",
    Drift.ISOLATED_AGAIN: "Ringfence released it, and somebody else isolated it again.",
    Drift.LEFT_BEHIND: "It is isolated by Ringfence's own action, and no containment holds it any more.",
}
_ORIGINS: Final = {
    "portal": Origin.PERSON,
    "publicapi": Origin.TOOL,
    "attackdisruption": Origin.DEFENDER,
    "automaticattackdisruption": Origin.DEFENDER,
    "automatedinvestigation": Origin.DEFENDER,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one machine; see storage/tables/isolations.py for what the fields mean."""

    machine_id: str
    machine_name: str | None = None
    isolated: bool | None = None
    action_id: str | None = None
    requestor: str | None = None
    request_source: str | None = None
    comment: str | None = None
    isolation_type: str | None = None
    containment_id: str | None = None
    since: datetime | None = None
    open_action_id: str | None = None
    open_type: str | None = None
    open_by: str | None = None
    open_since: datetime | None = None

    @property
    def state(self) -> HostState:
        """How the machine stands."""
        if self.open_action_id is not None:
            return HostState.IN_PROGRESS
        if self.isolated is None:
            return HostState.UNKNOWN
        return HostState.ISOLATED if self.isolated else HostState.FREE


def origin(containment_id: str | None, request_source: str | None) -> Origin:
    """Tell what kind of owner an action has."""
    if containment_id is not None:
        return Origin.OURS
    return _ORIGINS.get((request_source or "").casefold().replace(" ", ""), Origin.UNKNOWN)


def carry_on(known: Seen, history: Sequence[MachineAction]) -> Seen:
    """Return what is known of a machine after more of its actions were read: all that are new, or were not over before."""
    seen = observe(history)
    last = seen.by
    if last is not None and (known.since is None or finished_at(last) >= known.since):
        ours = containment_of(last)
        known = replace(
            known,
            isolated=last.type == ActionType.ISOLATE,
            action_id=last.id,
            requestor=last.requestor,
            request_source=last.request_source,
            comment=last.requestor_comment,
            isolation_type=last.scope if last.type == ActionType.ISOLATE else None,
            containment_id=ours,
            since=finished_at(last),
        )
    first = min(seen.open, key=made_at, default=None)
    names = [each.computer_dns_name for each in history if each.computer_dns_name]
    return replace(
        known,
        machine_name=names[-1] if names else known.machine_name,
        open_action_id=first.id if first else None,
        open_type=str(first.type) if first else None,
        open_by=owner_of(first) if first else None,
        open_since=made_at(first) if first else None,
    )


def drift(seen: Seen, live: Containment | None, last: Containment | None, read_at: datetime) -> Drift:
    """Compare what was read at a moment with what we want.

    `live` is the machine's containment that is not over, `last` the one that ended last. What changed after the moment is
    compared when it was read again.
    """
    if seen.isolated is None or seen.open_action_id is not None:
        return Drift.NONE
    if live is not None:
        if live.state not in HELD or live.confirmed_at is None or live.confirmed_at > read_at:
            return Drift.NONE
        mine = seen.containment_id == live.id
        if not seen.isolated:
            return Drift.NONE if mine else Drift.RELEASED_OUTSIDE
        return Drift.NONE if mine else Drift.ISOLATED_ON_TOP
    if not seen.isolated or last is None or last.finished_at is None or last.finished_at > read_at:
        return Drift.NONE
    if seen.containment_id is not None:
        return Drift.LEFT_BEHIND if last.state in FINAL else Drift.NONE
    return Drift.ISOLATED_AGAIN if last.state is State.RELEASED else Drift.NONE


def lost_since(
    seen: Seen, heard_at: datetime | None, heard_read_at: datetime | None, patience: timedelta
) -> datetime | None:
    """Return since when an isolated device counts as lost to Defender; None while it is heard of, or not known not to be."""
    if not seen.isolated or seen.since is None or heard_at is None or heard_read_at is None:
        return None
    silent_from = max(seen.since, heard_at) + patience
    return silent_from if heard_read_at >= silent_from else None
