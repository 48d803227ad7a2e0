"""/api/v1/incidents: the work on them: promote, change, note, tasks, hosts, close, merge."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.accounts import records
from ringfence.api.access import Author
from ringfence.api.incidents import Host, Incident, IncidentWithAll, Note, Task, whole
from ringfence.containment import incident_hosts
from ringfence.incidents import model, queue, service, work
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewIncident(_Asked):
    """Alerts to promote, by our ids or Defender's."""

    alerts: Annotated[list[str], Field(min_length=1, max_length=model.MOST_ALERTS)]
    title: str = ""
    severity: str = ""
    owner: str = ""


class Alerts(_Asked):
    """Alerts to add, by our ids or Defender's."""

    alerts: Annotated[list[str], Field(min_length=1, max_length=model.MOST_ALERTS)]


class Changes(_Asked):
    """What to change; what is left out stays, and an empty owner means nobody."""

    title: str | None = None
    severity: str | None = None
    owner: str | None = None
    status: str | None = None


class NewNote(_Asked):
    """A note."""

    text: str


class NewTask(_Asked):
    """A task; the time by which it is due needs a zone."""

    title: str
    assignee: str = ""
    due_at: AwareDatetime | None = None


class TaskChanges(_Asked):
    """What to change of a task; what is left out stays, and an empty assignee means nobody."""

    done: bool | None = None
    title: str | None = None
    assignee: str | None = None
    due_at: AwareDatetime | None = None


class Ending(_Asked):
    """How the incident ended, and what becomes of the hosts that it holds, which must be said if there are any."""

    resolution: str
    reason: str
    hosts: Literal["release", "keep"] | None = None


class Why(_Asked):
    """Why."""

    reason: str = ""


class Into(_Asked):
    """The number of the incident that takes this one over."""

    into: int


class Hold(_Asked):
    """A host to contain: a machine of the incident by id or name, or any other with its account. Times are in seconds."""

    machine: str
    reason: str
    account: str | None = None
    isolation_type: Literal["Full", "Selective"] = "Full"
    auto_release_after: float | None = None


class LettingGo(_Asked):
    """Hosts to let go of: one, or all that the incident holds."""

    reason: str
    machine: str | None = None


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes with which people work on incidents."""
    router = APIRouter(prefix="/incidents", tags=["incidents"], dependencies=[needs(Permission.INCIDENT_READ)])

    @router.post("", status_code=201, dependencies=[needs(Permission.INCIDENT_WORK)])
    async def promote(author: Author, asked: NewIncident) -> IncidentWithAll:
        """Promote alerts to an incident. Alerts that are in an open incident already are a conflict."""

        def work_on(tx: Transaction) -> IncidentWithAll:
            made = service.promote(
                tx,
                author.organization_id,
                asked.alerts,
                model.Author(author.name),
                title=asked.title,
                severity=asked.severity,
                owner=asked.owner,
            )
            return whole(tx, author.organization_id, made.incident.number)

        return await database.run(work_on)

    @router.patch("/{number}", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def update(author: Author, number: int, asked: Changes) -> Incident:
        """Change title, severity, owner or status of an incident. What is left out stays."""
        by = model.Author(author.name)
        found = await database.run(
            lambda tx: service.update(tx, author.organization_id, number, by, **asked.model_dump())
        )
        return Incident.model_validate(found)

    @router.post("/{number}/alerts", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def add(author: Author, number: int, asked: Alerts) -> IncidentWithAll:
        """Add alerts to an incident. Those that are in it already change nothing."""

        def work_on(tx: Transaction) -> IncidentWithAll:
            service.promote(tx, author.organization_id, asked.alerts, model.Author(author.name), number=number)
            return whole(tx, author.organization_id, number)

        return await database.run(work_on)

    @router.delete("/{number}/alerts/{alert_id}", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def remove(author: Author, number: int, alert_id: str) -> Incident:
        """Take an alert out of an incident. The last one stays."""
        by = model.Author(author.name)
        found = await database.run(lambda tx: service.remove(tx, author.organization_id, number, alert_id, by))
        return Incident.model_validate(found)

    @router.post("/{number}/notes", status_code=201, dependencies=[needs(Permission.INCIDENT_WORK)])
    async def note(author: Author, number: int, asked: NewNote) -> list[Note]:
        """Write a note on an incident. Notes cannot be changed afterwards."""

        def work_on(tx: Transaction) -> list[model.Note]:
            work.note(tx, author.organization_id, number, asked.text, model.Author(author.name))
            return queue.notes_of(tx, queue.get(tx, author.organization_id, number).id)

        return [Note.model_validate(each) for each in await database.run(work_on)]

    @router.post("/{number}/tasks", status_code=201, dependencies=[needs(Permission.INCIDENT_WORK)])
    async def add_task(author: Author, number: int, asked: NewTask) -> Task:
        """Add a task to an incident. It may name who does it and until when."""
        by = model.Author(author.name)
        found = await database.run(
            lambda tx: work.add_task(
                tx, author.organization_id, number, asked.title, by, assignee=asked.assignee, due_at=asked.due_at
            )
        )
        return Task.model_validate(found)

    @router.patch("/{number}/tasks/{task}", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def change_task(author: Author, number: int, task: int, asked: TaskChanges) -> Task:
        """Change a task, or say that it is done. What is left out stays."""
        by = model.Author(author.name)
        found = await database.run(
            lambda tx: work.change_task(tx, author.organization_id, number, task, by, **asked.model_dump())
        )
        return Task.model_validate(found)

    @router.post("/{number}/close", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def close(author: Author, number: int, asked: Ending) -> Incident:
        """Close an incident. Where it holds hosts, say whether they are released or kept."""
        by, ended = model.Author(author.name), model.resolution(asked.resolution)
        found = await database.run(
            lambda tx: incident_hosts.close(
                tx, author.organization_id, number, by, resolution=ended, reason=asked.reason, hosts=asked.hosts
            )
        )
        return Incident.model_validate(found)

    @router.post("/{number}/reopen", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def reopen(author: Author, number: int, asked: Why) -> Incident:
        """Open an incident again. Its clocks go on from there."""
        by = model.Author(author.name)
        found = await database.run(
            lambda tx: service.reopen(tx, author.organization_id, number, by, reason=asked.reason)
        )
        return Incident.model_validate(found)

    @router.post("/{number}/merge", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def merge(author: Author, number: int, asked: Into) -> Incident:
        """Merge an incident into another. Its alerts, notes, tasks and hosts go over, and it is closed."""
        by = model.Author(author.name)
        found = await database.run(lambda tx: incident_hosts.merge(tx, author.organization_id, number, asked.into, by))
        return Incident.model_validate(found)

    @router.post("/{number}/contain", status_code=201, dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def contain(author: Author, number: int, asked: Hold) -> list[Host]:
        """Contain a host for an incident.

        Policy decides as it does for playbooks, and the incident holds the host until it lets go.
        """

        def work_on(tx: Transaction) -> list[Host]:
            account = records.by_name(tx, author.organization_id, asked.account).id if asked.account else None
            incident_hosts.contain(
                tx,
                author.organization_id,
                number,
                asked.machine,
                model.Author(author.name),
                reason=asked.reason,
                account_id=account,
                isolation_type=asked.isolation_type,
                auto_release_after=asked.auto_release_after,
                deadline=settings.decision_deadline,
            )
            return _hosts(tx, author.organization_id, number)

        return await database.run(work_on)

    @router.post("/{number}/release", dependencies=[needs(Permission.CONTAINMENT_RELEASE)])
    async def release(author: Author, number: int, asked: LettingGo) -> list[Host]:
        """Let go of one host, or of all that the incident holds. A host is released once nobody holds it."""

        def work_on(tx: Transaction) -> list[Host]:
            by = model.Author(author.name)
            incident_hosts.let_go(tx, author.organization_id, number, by, reason=asked.reason, target=asked.machine)
            return _hosts(tx, author.organization_id, number)

        return await database.run(work_on)

    return router


def _hosts(tx: Transaction, organization_id: str, number: int) -> list[Host]:
    return [Host.of(each) for each in incident_hosts.of(tx, queue.get(tx, organization_id, number))]
