"""/api/v1/incidents."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.accounts import records
from ringfence.api.access import Author, OrganizationId
from ringfence.api.alerts import Alert
from ringfence.api.listing import Listing, Paged
from ringfence.containment import incident_hosts
from ringfence.containment import incident_view as views
from ringfence.incidents import document, model, queue, service, suggestions, work
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction


class Incident(BaseModel):
    """One incident; `number` is what people call it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    number: int
    title: str
    status: Literal["open", "in_progress", "resolved"]
    severity: str
    owner: str | None
    resolution: str | None = Field(description="How it ended; null while it is not resolved.")
    reason: str = Field(description="Why it was closed, in the words of who closed it.")
    merged_into: int | None = Field(description="The number of the incident that took it over.")
    created_at: AwareDatetime
    created_by: str
    updated_at: AwareDatetime
    resolved_at: AwareDatetime | None


class IncidentOfList(Incident):
    """One incident of the list, with what it holds in numbers."""

    alerts_count: int
    tasks_count: int
    tasks_undone: int
    hosts_isolated: int = Field(description="How many hosts Defender keeps isolated because of it.")


class Machine(BaseModel):
    """A host that alerts of the incident name."""

    model_config = ConfigDict(from_attributes=True)

    machine_id: str
    name: str
    account_id: str
    account: str
    alerts: int


class User(BaseModel):
    """A user that alerts of the incident name."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    principal_name: str
    sid: str
    alerts: int


class Note(BaseModel):
    """What somebody wrote."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: AwareDatetime
    by: str
    text: str


class Task(BaseModel):
    """Something to be done."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    title: str
    assignee: str | None
    due_at: AwareDatetime | None
    done: bool
    done_at: AwareDatetime | None
    done_by: str | None
    created_at: AwareDatetime
    created_by: str
    state: Literal["open", "done", "cancelled", "expired"] = Field(description="How it stands, or how it ended.")
    text: str
    form: dict[str, Any] | None = Field(description="The fields that a run waits for, by name.")
    filled: dict[str, Any] | None = Field(description="What was filled in, by field.")
    run_id: str | None = Field(description="The run that waits for it.")


class Host(BaseModel):
    """A containment of the incident; `held`: the incident did not let go of it."""

    containment_id: str
    machine_id: str | None
    name: str
    state: str
    detail: str
    held: bool
    isolated: bool

    @classmethod
    def of(cls, host: incident_hosts.Host) -> "Host":
        """Say it as the API does."""
        found = host.containment
        return cls(
            containment_id=found.id,
            machine_id=found.machine_id,
            name=host.name,
            state=found.state.value,
            detail=found.detail,
            held=host.held,
            isolated=host.isolated,
        )


class Clock(BaseModel):
    """When something happened, and how many seconds after the last known thing before it."""

    name: str
    at: AwareDatetime | None
    seconds: float | None


class Moment(BaseModel):
    """Something that happened to the incident, or to a host of it (`containment_id`)."""

    at: AwareDatetime
    by: str
    kind: str
    detail: str
    run_id: str | None
    containment_id: str | None


class Suggestion(BaseModel):
    """Alerts of one incident of Defender that are in no open incident, and the numbers of the incidents of the others."""

    account: str
    defender_id: str
    alerts: list[Alert]
    elsewhere: list[int]

    @classmethod
    def of(cls, found: suggestions.Suggestion) -> "Suggestion":
        """Say it as the API does."""
        return cls(
            account=found.account,
            defender_id=found.defender_id,
            alerts=[Alert.model_validate(alert) for alert in found.alerts],
            elsewhere=[incident.number for incident in found.elsewhere],
        )


class IncidentWithAll(Incident):
    """One incident, whole."""

    alerts: list[Alert]
    machines: list[Machine]
    users: list[User]
    notes: list[Note]
    tasks: list[Task]
    hosts: list[Host]
    clocks: list[Clock]
    timeline: list[Moment]
    suggestions: list[Suggestion]


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
    """Return the routes of this noun."""
    router = APIRouter(prefix="/incidents", tags=["incidents"], dependencies=[needs(Permission.INCIDENT_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        status: Annotated[list[str] | None, Query()] = None,
        severity: Annotated[list[str] | None, Query()] = None,
        owner: Annotated[str, Query(max_length=200)] = "",
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Listing[IncidentOfList]:
        """List incidents, the newest first. Each comes with how many alerts, tasks and isolated hosts it has."""
        wanted = queue.Filters(status=status or (), severity=severity or (), owner=owner, text=text)

        def look(tx: Transaction) -> tuple[queue.Page, dict[str, int]]:
            page = queue.page(tx, organization_id, wanted, limit=paging.limit, cursor=paging.cursor)
            return page, incident_hosts.isolated(tx, [row.incident.id for row in page.rows])

        page, isolated = await database.read(look)
        items = [
            IncidentOfList(
                **_named(row.incident),
                alerts_count=row.alerts,
                tasks_count=row.tasks,
                tasks_undone=row.undone,
                hosts_isolated=isolated.get(row.incident.id, 0),
            )
            for row in page.rows
        ]
        return paging.listing(items, page.next)

    def whole(tx: Transaction, organization_id: str, number: int) -> IncidentWithAll:
        return _whole(views.view(tx, organization_id, number))

    @router.get("/{number}")
    async def one(organization_id: OrganizationId, number: int) -> IncidentWithAll:
        """Show one incident, whole.

        Alerts, machines, users, notes, tasks, hosts, clocks and its timeline are all in it.
        """
        return await database.read(lambda tx: whole(tx, organization_id, number))

    @router.get("/{number}/suggestions")
    async def suggested(organization_id: OrganizationId, number: int, paging: Paged) -> Listing[Suggestion]:
        """Suggest alerts that may belong to an incident.

        They are of the same incident in Defender and in none that is open here.
        """

        def look(tx: Transaction) -> list[suggestions.Suggestion]:
            return suggestions.of(tx, queue.get(tx, organization_id, number))

        found = await database.read(look)
        return paging.of(found, Suggestion.of, key=lambda each: (each.account, each.defender_id))

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


def _named(found: model.Incident) -> dict[str, Any]:
    return Incident.model_validate(found).model_dump()


def _whole(found: views.View) -> IncidentWithAll:
    held: document.Contents = found.contents
    return IncidentWithAll(
        **_named(found.incident),
        alerts=[Alert.model_validate(each) for each in held.alerts],
        machines=[Machine.model_validate(each) for each in held.machines],
        users=[User.model_validate(each) for each in held.users],
        notes=[Note.model_validate(each) for each in held.notes],
        tasks=[Task.model_validate(each) for each in held.tasks],
        hosts=[Host.of(each) for each in found.hosts],
        clocks=[
            Clock(name=name, at=at, seconds=since.total_seconds() if since is not None else None)
            for name, at, since in found.clocks.steps()
        ],
        timeline=[
            Moment(
                at=each.at,
                by=each.by,
                kind=each.kind,
                detail=each.detail,
                run_id=each.run_id,
                containment_id=each.host.containment.id if each.host else None,
            )
            for each in found.timeline
        ],
        suggestions=[Suggestion.of(each) for each in found.suggestions],
    )
