"""What an action sees in a rehearsal, and the doors through which nothing goes.

Time is the rehearsal's own: it moves on by what steps wait for, and no further.
"""

import hashlib
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn, cast

from ringfence import clock
from ringfence.actions import (
    ActionError,
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
from ringfence.runs.model import Run, StepRun


class Shut:
    """Stands for a door that is shut: whatever is asked of it fails, permanently."""

    def __init__(self, to: str, why: str) -> None:
        self._said = f"{why} This step asked for {to}."

    def __getattr__(self, name: str) -> NoReturn:
        raise ActionError(self._said, code="rehearsal", permanent=True, advice="Give the step a `mock`.")


_NOTHING: Final = "A rehearsal reaches nothing outside."


@dataclass(frozen=True, slots=True)
class Doors:
    """The ports of a rehearsal; all are shut unless others are given."""

    defender: DefenderPort = field(default_factory=lambda: cast(DefenderPort, Shut("Defender", _NOTHING)))
    containment: ContainmentPort = field(default_factory=lambda: cast(ContainmentPort, Shut("containment", _NOTHING)))
    people: PeoplePort = field(default_factory=lambda: cast(PeoplePort, Shut("people", _NOTHING)))
    incidents: IncidentPort = field(default_factory=lambda: cast(IncidentPort, Shut("incidents", _NOTHING)))
    tables: TablePort = field(default_factory=lambda: cast(TablePort, Shut("tables", _NOTHING)))
    http: HttpPort = field(default_factory=lambda: cast(HttpPort, Shut("a service by HTTP", _NOTHING)))
    mails: MailPort = field(default_factory=lambda: cast(MailPort, Shut("a mail server", _NOTHING)))
    alerts: AlertPort = field(default_factory=lambda: cast(AlertPort, Shut("the queue of alerts", _NOTHING)))
    caller: CallerPort = field(default_factory=lambda: cast(CallerPort, Shut("who waits at a webhook", _NOTHING)))


@dataclass(slots=True)
class Scene:
    """One call of one action in a rehearsal; see `ringfence.actions.Context`.

    `trusted` names steps whose condition could not be known and was taken to hold.
    """

    run: Run
    step: StepRun
    trigger: Mapping[str, Json]
    run_document: Mapping[str, Json]
    doors: Doors
    moment: datetime
    resumed: Json = None
    lines: list[str] = field(default_factory=list)
    trusted: tuple[str, ...] = ()

    @property
    def run_id(self) -> str:
        """The rehearsal's id."""
        return self.run.id

    @property
    def playbook_name(self) -> str:
        """The playbook's name."""
        return self.run.playbook_name

    @property
    def organization(self) -> str:
        """The organization's id; empty where there is none."""
        return self.run.organization_id

    @property
    def step_key(self) -> str:
        """A key as every step has one."""
        return f"{self.run.id}:{self.step.step}:{self.step.iteration}"

    @property
    def attempt(self) -> int:
        """A rehearsal tries once."""
        return 1

    @property
    def defender(self) -> DefenderPort:
        """The door to Defender."""
        return self.doors.defender

    @property
    def containment(self) -> ContainmentPort:
        """The door to containment."""
        return self.doors.containment

    @property
    def people(self) -> PeoplePort:
        """The door to people."""
        return self.doors.people

    @property
    def incidents(self) -> IncidentPort:
        """The door to incidents."""
        return self.doors.incidents

    @property
    def tables(self) -> TablePort:
        """The door to tables."""
        return self.doors.tables

    @property
    def http(self) -> HttpPort:
        """The door to services outside."""
        return self.doors.http

    @property
    def mails(self) -> MailPort:
        """The door to mail servers."""
        return self.doors.mails

    @property
    def caller(self) -> CallerPort:
        """The door to who waits at a webhook."""
        return self.doors.caller

    @property
    def alerts(self) -> AlertPort:
        """The door to the queue of alerts."""
        return self.doors.alerts

    def document(self) -> Mapping[str, Json]:
        """The run document."""
        return self.run_document

    async def attach(
        self, name: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream"
    ) -> dict[str, Json]:
        """Measure a file and keep nothing of it."""
        size, digest = 0, hashlib.sha256()
        pieces = _one(content) if isinstance(content, bytes) else content
        async for piece in pieces:
            size += len(piece)
            digest.update(piece)
        return {"attachment": "", "name": name, "size": size, "sha256": digest.hexdigest()}

    def now(self) -> datetime:
        """The rehearsal's time."""
        return self.moment

    def log(self, level: LogLevel, message: str, **fields: Json) -> None:
        """Keep what people are told."""
        if level in ("error", "warn", "info"):
            self.lines.append(str(message))


async def _one(content: bytes) -> Any:
    yield content


def rehearsed(
    playbook_name: str,
    trigger: Mapping[str, Any],
    *,
    now: datetime,
    organization_id: str = "",
    organization_name: str = "",
    account_id: str | None = None,
    alert: Mapping[str, Any] | None = None,
    alert_source: str = "defender",
    alert_id: str | None = None,
    source: str = "",
) -> Run:
    """Make the run of a rehearsal, which no row knows of."""
    return Run(
        id=clock.new_id(),
        organization_id=organization_id,
        organization_name=organization_name,
        playbook_id="",
        playbook_name=playbook_name,
        playbook_version_id="",
        version="draft",
        source=source,
        account_id=account_id,
        alert_id=alert_id,
        trigger=dict(trigger),
        alert=dict(alert) if alert is not None else None,
        fence=0,
        nudges=0,
        segment=0,
        requested_at=now,
        started_at=now,
        resumed=False,
        alert_source=alert_source,
    )
