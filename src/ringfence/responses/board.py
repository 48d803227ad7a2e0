"""What people see of responses: the list, one with its proof, and what can be done with it. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Invalid, NotFound
from ringfence.responses.kinds import TRAITS, Kind
from ringfence.responses.model import IN_EFFECT, Response, State
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts, playbooks, response_events, responses, runs

MOST = 500
_ATTENTION = (State.UNDO_FAILED, State.FAILED, State.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Row:
    """One response on the board."""

    id: str
    kind: Kind
    account_id: str
    account_name: str
    target: str
    machine_id: str | None
    machine_name: str | None
    what: str
    parameters: Mapping[str, Any]
    reason: str
    requested_by: str
    run_id: str | None
    alert_id: str | None
    joined_id: str | None
    state: State
    detail: str
    action_id: str | None
    undo_action_id: str | None
    over: bool
    undoable: bool
    undo: str
    deadline_at: datetime
    requested_at: datetime
    decided_at: datetime | None
    submitted_at: datetime | None
    accepted_at: datetime | None
    done_at: datetime | None
    ends_at: datetime | None
    undo_requested_at: datetime | None
    undone_at: datetime | None
    finished_at: datetime | None

    @property
    def name(self) -> str:
        """What it is about, as people call it: the host, or the values of indicators."""
        return self.machine_name or self.target or self.what

    @property
    def can_be_taken_back(self) -> bool:
        """Whether asking to undo or to cancel it makes sense now."""
        return not self.over and (self.undo_requested_at is None or self.state is State.UNDO_FAILED)

    @property
    def in_effect(self) -> bool:
        """Whether Defender confirmed it and has not confirmed that it was undone."""
        return self.state in IN_EFFECT and self.undoable


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first, and the cursor of the next page where there is one."""

    rows: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One transition, and how long after the one before it."""

    at: datetime
    before: str | None
    after: str
    detail: str
    facts: Any
    since: timedelta | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One response with its proof: the verdict with its facts, what Defender made of it, and each transition."""

    row: Row
    playbook_name: str | None
    verdict: Mapping[str, Any] | None
    made: Any
    events: tuple[Event, ...]
    also_wanted_by: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many responses stand where."""

    waiting: int
    moving: int
    in_effect: int
    attention: int


def _select(organization_id: str) -> sa.Select[Any]:
    joined = responses.join(accounts, accounts.c.id == responses.c.account_id)
    named = sa.select(responses, accounts.c.name.label("account_name")).select_from(joined)
    return named.where(responses.c.organization_id == organization_id)


def _row(found: Mapping[Any, Any]) -> Row:
    values = dict(found)
    account_name = values.pop("account_name")
    response = Response(**{**values, "kind": Kind(values["kind"]), "state": State(values["state"])})
    own = {name: getattr(response, name) for name in Row.__dataclass_fields__ if hasattr(response, name)}
    traits = TRAITS[response.kind]
    return Row(**own | {"account_name": account_name, "undoable": traits.undoable, "undo": traits.undo})


def listing(
    tx: Transaction,
    organization_id: str,
    *,
    live: bool | None = None,
    kind: Kind | None = None,
    text: str = "",
    run_id: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Return responses, newest first; `live` True leaves out those that are over, False the others.

    `text` is part of a host's name or id, the reason, the requester or what is done; `cursor` is what the page before called
    `next`.
    """
    limit = max(1, min(limit, MOST))
    query = _select(organization_id)
    if live is not None:
        query = query.where(responses.c.finished_at.is_(None) if live else responses.c.finished_at.is_not(None))
    if kind is not None:
        query = query.where(responses.c.kind == kind.value)
    if run_id is not None:
        query = query.where(responses.c.run_id == run_id)
    if text:
        columns = [responses.c[name] for name in ("machine_name", "machine_id", "target", "reason", "requested_by")]
        plain = sa.cast(responses.c.parameters, sa.Text)
        query = query.where(sa.or_(*(each.icontains(text, autoescape=True) for each in (*columns, plain))))
    if cursor is not None:
        place = sa.select(responses.c.requested_at, responses.c.id)
        last = tx.one(place.where(responses.c.id == cursor, responses.c.organization_id == organization_id))
        if last is None:
            raise Invalid("The cursor names no response.", advice="Start again without a cursor.")
        moment = sa.literal(last["requested_at"], responses.c.requested_at.type)
        query = query.where(sa.tuple_(responses.c.requested_at, responses.c.id) < sa.tuple_(moment, last["id"]))
    found = tx.all(query.order_by(responses.c.requested_at.desc(), responses.c.id.desc()).limit(limit + 1))
    rows = tuple(_row(row) for row in found[:limit])
    return Page(rows, rows[-1].id if len(found) > limit else None)


def get(tx: Transaction, organization_id: str, response_id: str) -> Detail:
    """Return one response with its proof; raise NotFound where this organization has none."""
    found = tx.one(_select(organization_id).where(responses.c.id == response_id))
    if found is None:
        raise NotFound("There is no such response.", advice="Look for it in the list of responses.")
    name = tx.scalar(
        sa.select(playbooks.c.name).join(runs, runs.c.playbook_id == playbooks.c.id).where(runs.c.id == found["run_id"])
    )
    others = tx.all(_select(organization_id).where(responses.c.joined_id == response_id).order_by(responses.c.id))
    return Detail(
        row=_row(found),
        playbook_name=name,
        verdict=found["verdict"],
        made=found["made"],
        events=_events(tx, response_id),
        also_wanted_by=tuple(_row(each) for each in others),
    )


def _events(tx: Transaction, response_id: str) -> tuple[Event, ...]:
    query = sa.select(response_events).where(response_events.c.response_id == response_id)
    events: list[Event] = []
    for row in tx.all(query.order_by(response_events.c.id)):
        since = row["at"] - events[-1].at if events else None
        events.append(Event(row["at"], row["before"], row["after"], row["detail"], row["facts"], since))
    return tuple(events)


def last_facts(tx: Transaction, response_id: str) -> Mapping[str, Any]:
    """Return the facts of the newest event of a response that has any."""
    has = (response_events.c.response_id == response_id, response_events.c.facts.is_not(None))
    query = sa.select(response_events.c.facts).where(*has)
    found = tx.one(query.order_by(response_events.c.id.desc()).limit(1))
    return (found["facts"] or {}) if found is not None else {}


def counts(tx: Transaction, organization_id: str) -> Counts:
    """Return how many wait for people, are on their way, are in effect, or failed in the last day."""
    recent = clock.now() - timedelta(days=1)
    number = sa.func.count().label("number")
    query = sa.select(responses.c.state, responses.c.finished_at.is_(None).label("live"), number).where(
        responses.c.organization_id == organization_id,
        sa.or_(responses.c.finished_at.is_(None), responses.c.requested_at > recent),
    )
    waiting = moving = in_effect = attention = 0
    for row in tx.all(query.group_by(responses.c.state, responses.c.finished_at.is_(None))):
        state, many = State(row["state"]), int(row["number"])
        if state in _ATTENTION:
            attention += many
        if not row["live"]:
            continue
        if state is State.AWAITING_APPROVAL:
            waiting += many
        elif state in IN_EFFECT:
            in_effect += many
        else:
            moving += many
    return Counts(waiting, moving, in_effect, attention)
