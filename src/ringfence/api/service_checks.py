"""/api/v1/services/{service}/events, sweeps, compare and test: what a service brought, and whether it sees everything."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.api.webhooks import StartOutcome
from ringfence.clock import iso
from ringfence.deeds import Compare, TryService
from ringfence.ingestion import sweep_ledger
from ringfence.listeners import service_events
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.services import records
from ringfence.storage import Database, Transaction

_MOST: Final = 10_000


class Delays(BaseModel):
    """A distribution of seconds."""

    model_config = ConfigDict(from_attributes=True)

    count: int
    p50: float
    p90: float
    p99: float
    longest: float


class Missed(BaseModel):
    """A version of an alert that no poll had brought."""

    id: str
    alert_id: str
    title: str
    version: int
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    late: float | None = Field(description="Seconds from the update to its being taken in.")


class Sweep(BaseModel):
    """One sweep of a service."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    due_at: AwareDatetime
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = Field(description="Null while it is at work, or if its worker ended.")
    since: AwareDatetime
    until: AwareDatetime | None
    watermark: AwareDatetime | None = Field(description="How far the polls had come when it began.")
    newest: AwareDatetime | None = Field(description="The latest update that the tenant showed.")
    pages: int
    seen: int
    missed_alerts: int
    missed_versions: int
    missed: list[Missed] = Field(description="The first of what was missed.")
    delays: Delays | None = Field(description="Seconds from the creation of alerts to their being seen.")
    problem: str = Field(description="Why the cursor of the service cannot be trusted; empty if it can.")
    error: str


class Only(BaseModel):
    """An alert that one source alone shows."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: str
    title: str
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    age: float | None = Field(description="Seconds since its creation.")


class DifferingField(BaseModel):
    """A field in which the sources differ."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    defender: Any
    graph: Any


class Differing(BaseModel):
    """An alert that both sources show, and not alike."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: str
    title: str
    fields: list[DifferingField]
    behind: float | None = Field(description="Seconds by which Graph's last update is the later one.")


class Comparison(BaseModel):
    """What the two sources of a service's account show; lists are cut, counts are not."""

    model_config = ConfigDict(from_attributes=True)

    since: AwareDatetime
    until: AwareDatetime
    defender: int
    graph: int
    alike: int
    only_defender_count: int
    only_graph_count: int
    differing_count: int
    only_defender: list[Only]
    only_graph: list[Only]
    differing: list[Differing]
    fields: dict[str, int]
    behind: Delays | None
    ahead: Delays | None
    other_products: int
    unreadable: int
    complete: bool


class ServiceEvent(BaseModel):
    """An event that a service of a package brought, without what was in it.

    `at` is when it happened, where that is known; `elsewhere` is how many playbooks of other organizations it started.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    event_id: str
    at: AwareDatetime | None
    received_at: AwareDatetime
    started: bool
    outcomes: list[StartOutcome]
    elsewhere: int


class ServiceTrial(BaseModel):
    """What asking a service's source once showed; `alerts` are those of the first page of a day."""

    model_config = ConfigDict(from_attributes=True)

    ok: bool
    sentence: str
    advice: str
    seconds: float
    alerts: int


def routes(database: Database, compare: Compare, attempt: TryService) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/services", tags=["services"], dependencies=[needs(Permission.SERVICE_READ)])

    @router.get("/{service_id}/sweeps")
    async def sweeps(
        organization_id: OrganizationId,
        paging: Paged,
        service_id: str,
    ) -> Listing[Sweep]:
        """List the sweeps of a service, the newest first.

        A sweep reads the tenant whole and names what polls had missed.
        """

        def look(tx: Transaction) -> list[sweep_ledger.Sweep]:
            service = records.by_id(tx, service_id, organization_id=organization_id)
            return sweep_ledger.recent(tx, service.id, limit=_MOST)

        found = await database.read(look)
        return paging.of(
            found, Sweep.model_validate, key=lambda each: (iso(each.started_at), each.id), newest_first=True
        )

    @router.get("/{service_id}/events")
    async def events(organization_id: OrganizationId, paging: Paged, service_id: str) -> Listing[ServiceEvent]:
        """List what a service of a package brought, the newest first. The newest 200 of 30 days are kept.

        A service that follows an account brings alerts, which are listed as such.
        """

        def look(tx: Transaction) -> list[service_events.ServiceEvent]:
            return service_events.newest(tx, records.by_id(tx, service_id, organization_id=organization_id))

        found = await database.read(look)
        return paging.of(found, ServiceEvent.model_validate, key=lambda each: (each.id,), newest_first=True)

    @router.get("/{service_id}/compare")
    async def comparison(
        organization_id: OrganizationId,
        service_id: str,
        since: Annotated[
            str, Query(max_length=100, description="In words: `24 hours ago`, `2026-01-31`.")
        ] = "24 hours ago",
    ) -> Comparison:
        """Compare both sources of a service's account. Defender and Graph are asked now, and nothing is stored."""
        service = await database.read(lambda tx: records.by_id(tx, service_id, organization_id=organization_id))
        return Comparison.model_validate(await compare(service, since))

    @router.post("/{service_id}/test", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def try_(author: Author, service_id: str) -> ServiceTrial:
        """Ask a service's source once, as a poll would, and keep nothing. What does not work is said in `sentence`."""
        found = await database.read(lambda tx: records.by_id(tx, service_id, organization_id=author.organization_id))
        return ServiceTrial.model_validate(await attempt(found))

    return router
