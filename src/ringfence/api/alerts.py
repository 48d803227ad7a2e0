"""/api/v1/alerts."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.alerts import queue
from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction
from ringfence.triggers import why
from ringfence.triggers.registry import Registry


class Alert(BaseModel):
    """An alert at its newest version."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    account_id: str
    account: str
    alert_id: str
    version: int
    title: str
    severity: str
    status: str
    category: str
    assigned_to: str | None
    incident_id: str | None
    machine_id: str | None
    machine_name: str | None
    event_at: AwareDatetime | None
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    ingested_at: AwareDatetime


class AlertWithDocument(Alert):
    """An alert with the document that Defender sent."""

    raw: dict[str, Any]


class Difference(BaseModel):
    """One place in which a version differs from the one before; long values are cut."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    before: Any
    after: Any


class Condition(BaseModel):
    """What one condition of a trigger says about a version."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    matched: bool
    reason: str


class PlaybookWhy(BaseModel):
    """What became of a version for one playbook."""

    model_config = ConfigDict(from_attributes=True)

    playbook_id: str
    playbook: str
    number: str | None = Field(description="The playbook's version that was asked; null if it is gone.")
    verdict: Literal["started", "joined", "not_matched", "own_change", "late", "paused", "awaited", "not_there"]
    reason: str
    conditions: list[Condition] = Field(description="Empty where none was looked at.")
    run_id: str | None = Field(description="The run that the version started or joined.")
    run_status: str | None


class VersionWhy(BaseModel):
    """One version of an alert, what it changed, and what became of it for each playbook."""

    version: int
    seen_at: AwareDatetime
    standing: Literal["news", "late", "own", "mixed"]
    changes: list[str] = Field(description="What others did to the alert, what says most first.")
    differences: list[Difference]
    differences_left_out: int
    ours: list[str] = Field(description="The fields of the differences that Ringfence itself wrote.")
    note: str
    decided_at: AwareDatetime | None = Field(description="Null if the verdicts are not kept any more.")
    playbooks: list[PlaybookWhy]

    @classmethod
    def of(cls, found: why.VersionWhy) -> "VersionWhy":
        """Say it as the API does."""
        return cls(
            version=found.version,
            seen_at=found.seen_at,
            standing=found.standing.value,
            changes=list(found.changes),
            differences=[Difference.model_validate(each) for each in found.differences.fields],
            differences_left_out=found.differences.left_out,
            ours=list(found.ours),
            note=found.note,
            decided_at=found.decided_at,
            playbooks=[PlaybookWhy.model_validate(each) for each in found.playbooks],
        )


class Why(BaseModel):
    """Why an alert did or did not start playbooks: its versions, the newest first."""

    id: str
    alert_id: str
    notes: list[str] = Field(description="What keeps later versions from starting anything now.")
    versions: list[VersionWhy]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=[needs(Permission.ALERT_READ)])
    registry = Registry()

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        severity: Annotated[list[str] | None, Query()] = None,
        status: Annotated[list[str] | None, Query()] = None,
        category: Annotated[list[str] | None, Query()] = None,
        text: Annotated[str, Query(max_length=200)] = "",
        machine: Annotated[str, Query(max_length=200)] = "",
    ) -> Listing[Alert]:
        """List alerts, the newest first.

        Filters of one kind are alternatives; filters of different kinds all have to fit.
        """
        wanted = queue.Filters(
            severity=severity or (), status=status or (), category=category or (), text=text, machine=machine
        )
        page = await database.read(
            lambda tx: queue.page(tx, organization_id, wanted, limit=paging.limit, cursor=paging.cursor)
        )
        return paging.listing([Alert.model_validate(each) for each in page.alerts], page.cursor)

    @router.get("/{alert_id}")
    async def one(organization_id: OrganizationId, alert_id: str) -> AlertWithDocument:
        """Show one alert with the document that Defender sent. The id is ours, or Defender's."""

        def look(tx: Transaction) -> AlertWithDocument:
            found = queue.get(tx, organization_id, alert_id)
            named = Alert.model_validate(found).model_dump()
            return AlertWithDocument(**named, raw=queue.raw(tx, organization_id, found))

        return await database.read(look)

    @router.get("/{alert_id}/why")
    async def explanation(organization_id: OrganizationId, alert_id: str) -> Why:
        """Say why an alert did or did not start playbooks.

        Each of its versions comes with what it changed and every playbook's verdict.
        """

        def look(tx: Transaction) -> why.Why:
            return why.explain(tx, organization_id, queue.get(tx, organization_id, alert_id), registry)

        found = await database.read(look)
        return Why(
            id=found.alert.id,
            alert_id=found.alert.alert_id,
            notes=list(found.notes),
            versions=[VersionWhy.of(each) for each in found.versions],
        )

    return router
