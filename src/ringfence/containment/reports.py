"""What the alert of a containment is told: each verified result once, in words that an analyst can use.

A result is due from the transaction that made it true on, and its words are chosen when it is told: they say what Defender
confirmed and when, so they stay true whatever happens next. `telling` sends them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts.versions import MARKER
from ringfence.containment.model import Containment, State
from ringfence.storage import Transaction
from ringfence.storage.tables import containment_reports

_NOT_CONTAINED: Final = frozenset(
    {
        State.DENIED,
        State.NOT_NEEDED,
        State.REJECTED,
        State.EXPIRED,
        State.FAILED,
        State.TIMED_OUT,
        State.CANCELLED,
        State.WITHDRAWN,
    }
)
_WHY: Final = {
    State.DENIED: "policy refused it",
    State.NOT_NEEDED: "it was not needed",
    State.REJECTED: "a person refused it",
    State.EXPIRED: "nobody approved it in time",
    State.FAILED: "it failed",
    State.TIMED_OUT: "Defender did not reach the device in time",
    State.CANCELLED: "it was cancelled before it took effect",
    State.WITHDRAWN: "Defender had not carried it out before the deadline, and it was withdrawn",
}
_LONGEST_WHY: Final = 700


class Kind(StrEnum):
    """Which of its results an alert is told."""

    RESULT = "result"
    RELEASED = "released"


class ReportState(StrEnum):
    """How far telling has come."""

    DUE = "due"
    TOLD = "told"
    LEFT = "left"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Report:
    """One result that an alert is, was or will not be told, and why not."""

    containment_id: str
    kind: Kind
    state: ReportState
    text: str
    problem: str
    due_at: datetime
    next_at: datetime | None
    attempts: int
    written_at: datetime | None

    @classmethod
    def of(cls, row: sa.RowMapping) -> "Report":
        """Read a row."""
        return cls(**{**row, "kind": Kind(row["kind"]), "state": ReportState(row["state"])})

    @property
    def key(self) -> str:
        """What marks the comment as ours, so that it is found again instead of being written twice."""
        return marker(self.containment_id, self.kind)


def marker(containment_id: str, kind: Kind) -> str:
    """Return the text in a comment by which a report is known again."""
    return f"{MARKER}{containment_id}:{kind.value}]"


def moved(tx: Transaction, containment: Containment, after: State) -> None:
    """Note, where a containment has come to a verified result and has an alert, that the alert is to be told."""
    kind = Kind.RESULT if after is State.CONTAINED or after in _NOT_CONTAINED else None
    if after in (State.RELEASED, State.SUPERSEDED):
        kind = Kind.RELEASED
    if kind is None or containment.alert_id is None:
        return
    now = clock.now()
    row = {"containment_id": containment.id, "kind": kind.value, "state": ReportState.DUE.value}
    tx.insert_new(containment_reports, [row | {"due_at": now, "next_at": now}])


def of(tx: Transaction, containment_id: str) -> list[Report]:
    """Return what the alert of a containment was, or is to be, told."""
    columns = containment_reports.c
    query = sa.select(containment_reports).where(columns.containment_id == containment_id)
    return [Report.of(row) for row in tx.all(query.order_by(columns.due_at, columns.kind.desc()))]


def words(containment: Containment, kind: Kind) -> str:
    """Return what the alert is told: nothing that Defender has not confirmed."""
    said = _released(containment) if kind is Kind.RELEASED else result(containment)
    return f"Ringfence: {said} {marker(containment.id, kind)}"


def result(containment: Containment) -> str:
    """Say in one or two sentences whether the host was contained, and why not where it was not."""
    host = containment.machine_name or containment.target
    if containment.confirmed_at is not None:
        way = "isolated" if containment.isolation_type == "Full" else "isolated (selectively)"
        return (
            f"{host} was {way}; Defender confirmed it at {_at(containment.confirmed_at)}. Reason: {containment.reason}"
        )
    why = _WHY.get(containment.state)
    if why is None:
        return f"Whether {host} is contained is not known yet: it is {containment.state.value.replace('_', ' ')}."
    detail = containment.detail.strip()
    return f"{host} was not contained: {why}.{f' {detail[:_LONGEST_WHY]}' if detail else ''}"


def _released(containment: Containment) -> str:
    host = containment.machine_name or containment.target
    if containment.released_at is not None:
        return f"{host} was released; Defender confirmed it at {_at(containment.released_at)}."
    return f"{host} was released outside Ringfence. {containment.detail.strip()[:_LONGEST_WHY]}".strip()


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
