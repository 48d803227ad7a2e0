"""/api/v1/alerts: change an alert in Defender, and see what came as an alert and could not be read as one."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.alerts import queue
from ringfence.api.access import Author, OrganizationId
from ringfence.api.alerts import Alert
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.deeds import ChangeAlert
from ringfence.organizations import service as organizations
from ringfence.runs.alert_changes import AlertChange
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database

_MOST: Final = 500
Word = Annotated[str | None, Field(max_length=100)]


class AlertChanges(BaseModel):
    """What is to be changed, in Defender's words; what is left out stays. A comment is written once."""

    model_config = ConfigDict(extra="forbid")

    status: Word = None
    assigned_to: Annotated[str | None, Field(max_length=300)] = None
    classification: Word = None
    determination: Word = None
    comment: Annotated[str | None, Field(max_length=1_000)] = None


class RejectedAlert(BaseModel):
    """What came as an alert and could not be read as one; `raw` is its text."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    account: str
    reason: str
    raw: str
    seen_at: AwareDatetime


def routes(database: Database, change_alert: ChangeAlert) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=[needs(Permission.ALERT_READ)])

    @router.get("/rejected")
    async def rejected(organization_id: OrganizationId, paging: Paged) -> Listing[RejectedAlert]:
        """List what came as an alert and could not be read as one, the newest first. The reason names the field."""
        found = await database.read(lambda tx: queue.rejected(tx, organization_id, limit=_MOST))
        return paging.of(
            found, RejectedAlert.model_validate, key=lambda each: (iso(each.seen_at), each.id), newest_first=True
        )

    @router.patch("/{alert_id}", dependencies=[needs(Permission.ALERT_CHANGE)])
    async def update(author: Author, alert_id: str, wanted: AlertChanges) -> Alert:
        """Change an alert in Defender. The id is ours, or Defender's; what Defender shows afterwards comes with the next poll."""
        organization = await database.read(lambda tx: organizations.get(tx, author.organization_id))
        changed = await change_alert(
            organization=organization, alert_id=alert_id, wanted=AlertChange(**wanted.model_dump()), by=author.name
        )
        return Alert.model_validate(changed)

    return router
