"""/api/v1/isolations: how machines stand in Defender, whoever isolated them."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.containment import isolations
from ringfence.containment.observed import HostState
from ringfence.containment.orphans import Orphan as Found
from ringfence.containment.orphans import orphans
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Isolation(BaseModel):
    """How one machine stands in Defender, and who did it; `problem` says what is not as it should be."""

    model_config = ConfigDict(from_attributes=True)

    machine_id: str
    machine_name: str | None
    account_id: str
    account_name: str
    state: str
    isolated: bool | None
    origin: str
    owner: str
    foreign: bool
    action_id: str | None
    requestor: str | None
    request_source: str | None
    comment: str | None
    isolation_type: str | None
    containment_id: str | None
    since: AwareDatetime | None
    open_action_id: str | None
    open_type: str | None
    open_by: str | None
    open_since: AwareDatetime | None
    seen_at: AwareDatetime
    drift: str
    drift_since: AwareDatetime | None
    heard_at: AwareDatetime | None
    lost_since: AwareDatetime | None
    problem: str


class Orphan(BaseModel):
    """A host that nobody is bound to come back to, why that is so, and whom to ask."""

    isolation: Isolation
    since: AwareDatetime
    why: str
    ask: str
    incidents: list[int]


class Reading(BaseModel):
    """When the actions of an account were last read, and what stopped the last attempt."""

    model_config = ConfigDict(from_attributes=True)

    account_name: str
    read_at: AwareDatetime | None
    tried_at: AwareDatetime
    error: str


def _orphan(found: Found) -> Orphan:
    return Orphan(
        isolation=Isolation.model_validate(found.isolation),
        since=found.since,
        why=found.why,
        ask=found.ask,
        incidents=list(found.incidents),
    )


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/isolations", tags=["isolations"], dependencies=[needs(Permission.CONTAINMENT_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        state: HostState | None = None,
        foreign: bool | None = None,
        attention: bool | None = None,
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Listing[Isolation]:
        """List how machines stand in Defender, whoever isolated them.

        `attention=true` leaves out those that are as they should be.
        """
        page = await database.read(
            lambda tx: isolations.listing(
                tx,
                organization_id,
                state=state,
                foreign=foreign,
                attention=attention,
                text=text,
                cursor=paging.cursor,
                limit=paging.limit,
            )
        )
        return paging.listing([Isolation.model_validate(row) for row in page.rows], page.next)

    @router.get("/orphans")
    async def orphaned(
        organization_id: OrganizationId,
        paging: Paged,
        older_than_hours: Annotated[float, Query(ge=0, le=87_600)] = 24.0,
    ) -> Listing[Orphan]:
        """List isolated hosts that nobody is bound to come back to. Each says why, and whom to ask."""
        older = timedelta(hours=older_than_hours)
        found = await database.read(lambda tx: orphans(tx, organization_id, older_than=older))
        return paging.of(
            found, _orphan, key=lambda each: (iso(each.since), each.isolation.account_id, each.isolation.machine_id)
        )

    @router.get("/readings")
    async def readings(organization_id: OrganizationId, paging: Paged) -> Listing[Reading]:
        """Say when the machine actions of each account were last read. What stopped the last attempt is named."""
        found = await database.read(lambda tx: isolations.readings(tx, organization_id))
        return paging.of(found, Reading.model_validate, key=lambda each: (each.account_name,))

    return router
