"""How an action reaches incidents: in the name of its run, or of a person, each change once for its key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, Self

import sqlalchemy as sa

from ringfence import clock
from ringfence.actions import ActionError, FormField, Json, TaskStanding
from ringfence.containment import incident_hosts
from ringfence.errors import RingfenceError
from ringfence.incidents import asking, document, events, model, queue, service, work
from ringfence.incidents.model import Author, Incident
from ringfence.runs.door import failure
from ringfence.runs.model import Run
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import run_alerts

Work = Callable[[Transaction], dict[str, Json]]


class Incidents:
    """The incident port of one run, or of a person; see `ringfence.actions.IncidentPort`."""

    def __init__(self, database: Database, organization_id: str, by: str, run: Run | None = None) -> None:
        self._database = database
        self._organization_id = organization_id
        self._by = by
        self._run = run

    @classmethod
    def of_run(cls, run: Run, database: Database) -> Self:
        """Make the port of a run."""
        return cls(database, run.organization_id, f"playbook {run.playbook_name} {run.version}", run)

    async def promote(
        self,
        *,
        alerts: Sequence[str],
        incident: int | None,
        title: str,
        severity: str,
        owner: str,
        join: bool,
        key: str,
    ) -> dict[str, Json]:
        """Promote alerts, or those of the run where none is named."""

        def made(tx: Transaction) -> dict[str, Json]:
            wanted = list(alerts) or self._alerts(tx)
            if not wanted:
                message = "This run is about no alert."
                raise ActionError(message, code="no-alert", permanent=True, advice="Name the alerts to promote.")
            found = service.promote(
                tx,
                self._organization_id,
                wanted,
                self._author(key),
                number=incident,
                title=title,
                severity=severity,
                owner=owner,
                join=join,
            )
            more: dict[str, Json] = {"created": found.created, "added": len(found.added)}
            return _described(tx, found.incident) | more

        return await self._carry_out(made)

    async def create(self, *, title: str, severity: str, owner: str, text: str, key: str) -> dict[str, Json]:
        """Make an incident that no alert is behind, with what is known of it as its first note."""

        def made(tx: Transaction) -> dict[str, Json]:
            author = self._author(key)
            found, new = service.create(tx, self._organization_id, author, title=title, severity=severity, owner=owner)
            if new and text.strip():
                work.note(tx, self._organization_id, found.number, text, replace(author, key=f"{key}:note"))
            return self._now(tx, found.number)

        return await self._carry_out(made)

    async def note(self, *, incident: int | None, text: str, key: str) -> dict[str, Json]:
        """Write a note."""

        def made(tx: Transaction) -> dict[str, Json]:
            number = self._number(tx, incident)
            work.note(tx, self._organization_id, number, text, self._author(key))
            return self._now(tx, number)

        return await self._carry_out(made)

    async def task(
        self, *, incident: int | None, title: str, assignee: str, due_in: float | None, key: str
    ) -> dict[str, Json]:
        """Add a task, due in so many seconds."""

        def made(tx: Transaction) -> dict[str, Json]:
            number = self._number(tx, incident)
            due_at = None if due_in is None else clock.now() + timedelta(seconds=due_in)
            author = self._author(key)
            task = work.add_task(tx, self._organization_id, number, title, author, assignee=assignee, due_at=due_at)
            return self._now(tx, number) | {"task": task.number}

        return await self._carry_out(made)

    async def update(
        self,
        *,
        incident: int | None,
        title: str | None,
        severity: str | None,
        owner: str | None,
        status: str | None,
        key: str,
    ) -> dict[str, Json]:
        """Change what is given."""

        def made(tx: Transaction) -> dict[str, Json]:
            number = self._number(tx, incident)
            changes = {"title": title, "severity": severity, "owner": owner, "status": status}
            service.update(tx, self._organization_id, number, self._author(key), **changes)
            return self._now(tx, number)

        return await self._carry_out(made)

    async def close(
        self, *, incident: int | None, resolution: str, reason: str, hosts: Literal["release", "keep"] | None, key: str
    ) -> dict[str, Json]:
        """Resolve an incident."""

        def made(tx: Transaction) -> dict[str, Json]:
            number = self._number(tx, incident)
            ended = model.resolution(resolution)
            author = self._author(key)
            incident_hosts.close(
                tx, self._organization_id, number, author, resolution=ended, reason=reason, hosts=hosts
            )
            return self._now(tx, number)

        return await self._carry_out(made)

    async def get(self, incident: int | None, /) -> dict[str, Json]:
        """Read an incident."""
        return await self._carry_out(lambda tx: self._now(tx, self._number(tx, incident)), reads=True)

    async def ask(
        self,
        *,
        incident: int | None,
        title: str,
        text: str,
        form: Mapping[str, FormField],
        assignee: str,
        due_in: float | None,
        key: str,
    ) -> TaskStanding:
        """Put a task with a form on an incident."""
        if self._run is None:
            raise ActionError(
                "A form is waited for in a run only.",
                code="no-run",
                permanent=True,
                advice="Use the step in a workflow; `incident.task` adds a task that nobody waits for.",
            )

        def made(tx: Transaction) -> asking.Standing:
            before = asking.standing(tx, self._organization_id, key)
            if before is not None:
                return before
            question = asking.Question(title, text, dict(form), assignee, due_in)
            return asking.ask(tx, self._organization_id, self._number(tx, incident), question, self._author(key))

        return await self._standing(made)

    async def standing(self, key: str, /) -> TaskStanding:
        """Tell where the task of a key stands now."""
        return await self._standing(lambda tx: asking.settle(tx, self._organization_id, key))

    async def _standing(self, made: Callable[[Transaction], asking.Standing]) -> TaskStanding:
        try:
            found = await self._database.run(made)
        except RingfenceError as error:
            raise failure(error) from None
        task = found.task
        return TaskStanding(
            incident=found.incident,
            task=task.number,
            state=task.state,
            topic=f"incident:{found.incident_id}",
            due_at=task.due_at,
            form=task.filled,
            by=task.done_by or "",
            at=clock.iso(task.done_at) if task.done_at is not None else "",
        )

    async def _carry_out(self, made: Work, *, reads: bool = False) -> dict[str, Json]:
        try:
            return await (self._database.read(made) if reads else self._database.run(made))
        except RingfenceError as error:
            raise failure(error) from None

    def _author(self, key: str) -> Author:
        return Author(self._by, self._run.id if self._run else None, key)

    def _now(self, tx: Transaction, number: int) -> dict[str, Json]:
        return _described(tx, queue.get(tx, self._organization_id, number))

    def _alerts(self, tx: Transaction) -> list[str]:
        if self._run is None:
            return []
        joined = sa.select(run_alerts.c.alert_id).where(run_alerts.c.run_id == self._run.id)
        ids = [row["alert_id"] for row in tx.all(joined.order_by(run_alerts.c.joined_at, run_alerts.c.alert_id))]
        return list(dict.fromkeys([*([self._run.alert_id] if self._run.alert_id else []), *ids]))

    def _number(self, tx: Transaction, incident: int | None) -> int:
        """Return the number that is meant: the one given, that of what started the run, of its alerts, or that it made."""
        if incident is not None:
            return incident
        started = self._run.trigger.get("incident") if self._run is not None else None
        if isinstance(started, Mapping) and isinstance(number := started.get("number"), int):
            return number
        known = queue.of_alerts(tx, self._organization_id, self._alerts(tx))
        for each in known.values():
            if each[0].open:
                return each[0].number
        for each in known.values():
            return each[0].number
        if self._run is not None and (made := events.made_in(tx, self._run.id)) is not None:
            return queue.by_id(tx, self._organization_id, made).number
        raise ActionError(
            "This run is about no incident.",
            code="no-incident",
            permanent=True,
            advice="Promote its alert (incident.promote) or make an incident (incident.create) first, or name a number.",
        )


def _described(tx: Transaction, incident: Incident) -> dict[str, Any]:
    return document.described(document.contents(tx, incident))
