"""What a version that came is to its alert: news, late, or our own write shown back; and what it changed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfence.alerts.echo import Write, split
from ringfence.alerts.transitions import Change, transitions
from ringfence.alerts.versions import NO_DIFFERENCES, Difference, Differences, Standing, differences


@dataclass(frozen=True, slots=True)
class Judged:
    """What is kept of a version beside its document: `changes` are those that somebody else made.

    `ours` are the top-level fields that hold what Ringfence wrote; `spent` are the writes that need no more be looked for.
    """

    standing: Standing
    changes: tuple[Change, ...]
    differences: Differences = NO_DIFFERENCES
    ours: tuple[str, ...] = ()
    spent: tuple[Write, ...] = ()

    def stored(self) -> dict[str, Any] | None:
        """Return the difference as it is stored; see `read_difference`."""
        if not self.differences.fields:
            return None
        fields = [[each.field, each.before, each.after] for each in self.differences.fields]
        return {"fields": fields, "left_out": self.differences.left_out, "ours": list(self.ours)}


def read_difference(stored: Mapping[str, Any] | None) -> tuple[Differences, tuple[str, ...]]:
    """Return the difference of a stored version, and which of its top-level fields are ours."""
    if not stored:
        return NO_DIFFERENCES, ()
    fields = tuple(Difference(*each) for each in stored["fields"])
    return Differences(fields, stored["left_out"]), tuple(stored["ours"])


def judge(
    before: Mapping[str, Any] | None,
    came: Mapping[str, Any],
    *,
    late: bool = False,
    writes: Sequence[Write] = (),
    updated_at: datetime | None = None,
) -> Judged:
    """Judge a version by the one that stood until it came (None: there was none) and by what we wrote meanwhile.

    `updated_at` is the time of the version that came. A late version changed nothing, and shows what no longer stands.
    """
    if before is None:
        found = split({}, came, writes, updated_at=updated_at)
        return Judged(Standing.NEWS, transitions(None, came), spent=found.spent)
    changed = differences(before, came)
    if late:
        return Judged(Standing.LATE, (), changed)
    found = split(before, came, writes, updated_at=updated_at)
    changes = () if found.standing is Standing.OWN else transitions(found.before, came)
    return Judged(found.standing, changes, changed, found.ours, found.spent)
