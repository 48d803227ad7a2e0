"""What one call of an action sees; see `ringfence.actions.Context`."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ringfence import clock
from ringfence.actions import (
    RAW_ALERT,
    AlertPort,
    CallerPort,
    ContainmentPort,
    DefenderPort,
    HttpPort,
    IncidentPort,
    Json,
    MailPort,
    PeoplePort,
    TablePort,
)
from ringfence.actions.base import LogLevel
from ringfence.alerts.source import common_form
from ringfence.errors import RingfenceError
from ringfence.playbooks.bounded import plain
from ringfence.playbooks.rounds import in_brackets
from ringfence.runs.alerts import Alerts
from ringfence.runs.answering import Caller
from ringfence.runs.attachments import Files, store
from ringfence.runs.door import failure
from ringfence.runs.http import Http
from ringfence.runs.incidents import Incidents
from ringfence.runs.mailing import Mails
from ringfence.runs.model import Run, StepRun
from ringfence.runs.outside import Outside
from ringfence.runs.people import People
from ringfence.runs.scopes import Scope, visible
from ringfence.runs.tables import Tables

_NAMES = 12
_RANK = {"error": 0, "warn": 1, "info": 2, "debug": 3, "trace": 4}


def kept(level: LogLevel, log_level: LogLevel) -> bool:
    """Say whether a line of `level` is kept at the playbook's log level."""
    return _RANK[level] <= _RANK[log_level]


def line_of(step: StepRun, level: LogLevel, message: str, fields: Mapping[str, Json]) -> dict[str, Any]:
    """Return a line of the run's log, as a row."""
    return {
        "run_id": step.run_id,
        "step": step.step,
        "at": clock.now(),
        "level": level,
        "message": f"{in_brackets(step.iteration)} {message}".lstrip(),
        "fields": dict(fields),
    }


def outline(value: Json) -> str:
    """Say of a value what it consists of, without saying what it is: a log has no place for what a step hides."""
    match value:
        case None:
            return "nothing"
        case dict():
            names = ", ".join(list(value)[:_NAMES])
            more = f" and {len(value) - _NAMES} more" if len(value) > _NAMES else ""
            return f"an object of {names}{more}" if value else "an empty object"
        case list():
            return f"a list of {len(value)}"
        case str():
            return f"a text of {len(value)} characters"
        case bool():
            return "true or false"
        case _:
            return "a number"


def trigger_of(run: Run) -> dict[str, Json]:
    """Return what started the run, as playbooks see it.

    `alert` is the alert in the form that all sources share, the variable `msft.defender.response.json.raw` as it came.
    `alerts` are all alerts of the run, this one and those that joined it, at most MOST_ALERTS of `runs.rows`.
    """
    found: dict[str, Json] = dict(run.trigger)
    if run.alert is not None:
        found["alert"] = common_form(run.alert_source, run.alert)
        found[RAW_ALERT] = run.alert
        found["alerts"] = [common_form(source, raw) for source, raw in run.alerts] or [found["alert"]]
    return found


def document_of(
    run: Run, trigger: Mapping[str, Json], steps: Mapping[str, StepRun], gathered: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """Return the document that expressions are evaluated over; `gathered` is what steps in loops gave, item by item."""
    return {
        "trigger": dict(trigger),
        "steps": {**visible(steps), **(gathered or {})},
        "playbook": {"name": run.playbook_name, "version": run.version},
        "run": {"id": run.id, "requested_at": clock.iso(run.requested_at)},
        "organization": {"id": run.organization_id, "name": run.organization_name},
        "inputs": {},
    }


def within(document: Mapping[str, Json], scope: Scope) -> Mapping[str, Json]:
    """Return the document that expressions in a scope are evaluated over: a round's has its own steps and item too."""
    if scope.frame is None:
        return document
    steps = document["steps"]
    assert isinstance(steps, dict)
    seen = dict(steps)
    for each in scope.chain[1:]:
        seen.update(visible(each.steps))
        seen.update(each.gathered)
    return {**document, **scope.variables, "steps": seen}


@dataclass(frozen=True, slots=True)
class StepContext:
    """One call of one action."""

    run: Run
    step: StepRun
    trigger: Mapping[str, Json]
    run_document: Mapping[str, Json]
    defender: DefenderPort
    containment: ContainmentPort
    log_level: LogLevel
    files: Files
    lines: list[dict[str, Any]] = field(default_factory=list)
    outside: Outside | None = None

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def playbook_name(self) -> str:
        """The playbook's name."""
        return self.run.playbook_name

    @property
    def organization(self) -> str:
        """The organization's id."""
        return self.run.organization_id

    @property
    def step_key(self) -> str:
        """`run:step:iteration`, the same over attempts and crashes."""
        return f"{self.run.id}:{self.step.step}:{self.step.iteration}"

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.step.attempt

    @property
    def resumed(self) -> Json:
        """The state of the wait that ended, None if there was none."""
        state: Json = self.step.state
        return state

    @property
    def people(self) -> PeoplePort:
        """The way to people."""
        return People(self.run, self.files.database)

    @property
    def incidents(self) -> IncidentPort:
        """The organization's incidents."""
        return Incidents.of_run(self.run, self.files.database)

    @property
    def tables(self) -> TablePort:
        """The organization's tables."""
        by = f"playbook {self.run.playbook_name} {self.run.version}"
        return Tables(self.files.database, self.run.organization_id, by)

    @property
    def http(self) -> HttpPort:
        """Services outside."""
        return Http(self.files.database, self.outside, self.run.organization_id, self.run.id)

    @property
    def mails(self) -> MailPort:
        """Mails."""
        return Mails(self.files.database, self.outside, self.run.organization_id, self.run.id)

    @property
    def caller(self) -> CallerPort:
        """Who posted the message that started the run."""
        return Caller(self.files.database, self.run.organization_id, self.run.trigger)

    @property
    def alerts(self) -> AlertPort:
        """The organization's own queue of alerts."""
        return Alerts(self.files.database, self.run.organization_id, self.run.account_id, self.run)

    def document(self) -> Mapping[str, Json]:
        """The run document."""
        return self.run_document

    async def attach(
        self, name: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream"
    ) -> dict[str, Json]:
        """Keep a file with the run, once for this step and name, and give a reference to it."""
        try:
            made = await store(
                self.files.database,
                organization_id=self.run.organization_id,
                run_id=self.run.id,
                step=self.step.step,
                iteration=self.step.iteration,
                name=name,
                content=content,
                media_type=media_type,
                largest=self.files.largest,
            )
        except RingfenceError as error:
            raise failure(error) from None
        return {"attachment": made.id, "name": made.name, "size": made.size, "sha256": made.sha256}

    def now(self) -> datetime:
        """The present time."""
        return clock.now()

    def log(self, level: LogLevel, message: str, **fields: Json) -> None:
        """Keep a line for people, if the playbook's log level wants it."""
        if not kept(level, self.log_level):
            return
        try:
            kept_fields = plain(fields)
        except ValueError as error:
            # A line for people is never a reason for a step to fail.
            kept_fields = {"left_out": str(error)}
        assert isinstance(kept_fields, dict)
        self.lines.append(line_of(self.step, level, str(message), kept_fields))
