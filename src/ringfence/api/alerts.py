"""/api/v1/alerts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ringfence.alerts import queue
from ringfence.api.access import OrganizationId
from ringfence.api.listing import Cursor, Limit, Listing
from ringfence.storage import Database, Transaction


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


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/alerts", tags=["alerts"])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        severity: Annotated[list[str] | None, Query()] = None,
        status: Annotated[list[str] | None, Query()] = None,
        category: Annotated[list[str] | None, Query()] = None,
        text: Annotated[str, Query(max_length=200)] = "",
        machine: Annotated[str, Query(max_length=200)] = "",
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Listing[Alert]:
        wanted = queue.Filters(
            severity=severity or (), status=status or (), category=category or (), text=text, machine=machine
        )
        page = await database.read(lambda tx: queue.page(tx, organization_id, wanted, limit=limit, cursor=cursor))
        return Listing(items=[Alert.model_validate(each) for each in page.alerts], next=page.cursor)

    @router.get("/{alert_id}")
    async def one(organization_id: OrganizationId, alert_id: str) -> AlertWithDocument:
        def look(tx: Transaction) -> AlertWithDocument:
            found = queue.get(tx, organization_id, alert_id)
            named = Alert.model_validate(found).model_dump()
            return AlertWithDocument(**named, raw=queue.raw(tx, organization_id, found))

        return await database.read(look)

    return router
