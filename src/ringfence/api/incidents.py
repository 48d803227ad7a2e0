"""/api/v1/incidents."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import OrganizationId
from ringfence.api.alerts import Alert
from ringfence.api.listing import Listing, Paged
from ringfence.containment import incident_hosts
from ringfence.containment import incident_view as views
from ringfence.incidents import document, model, queue, suggestions
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
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


def routes(database: Database) -> APIRouter:
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

    return router


def _named(found: model.Incident) -> dict[str, Any]:
    return Incident.model_validate(found).model_dump()


def whole(tx: Transaction, organization_id: str, number: int) -> IncidentWithAll:
    """Return one incident with all that is in it; NotFound where there is none."""
    found = views.view(tx, organization_id, number)
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
