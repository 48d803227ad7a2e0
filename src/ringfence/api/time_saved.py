"""/api/v1/time-saved: what playbooks spared people."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.runs import saved
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class HourlyRate(BaseModel):
    """What an hour of people's work costs; 0 forgets it."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    rate: float
    currency: str = Field(description="ISO 4217, e.g. EUR.")


class ShareOfTime(BaseModel):
    """What one playbook spared: `runs` succeeded and count."""

    model_config = ConfigDict(from_attributes=True)

    playbook_id: str
    playbook: str
    runs: int
    minutes: float


class TimeSaved(BaseModel):
    """What all playbooks spared since a moment, null for ever; `worth` is null without a rate."""

    model_config = ConfigDict(from_attributes=True)

    since: AwareDatetime | None
    minutes: float
    hours: float
    runs: int
    rate: HourlyRate | None
    worth: float | None
    shares: list[ShareOfTime]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/time-saved", tags=["runs"], dependencies=[needs(Permission.RUN_READ)])

    @router.get("")
    async def summed(
        organization_id: OrganizationId,
        days: Annotated[float | None, Query(gt=0, le=36_500, description="Of so many days; without it, ever.")] = None,
    ) -> TimeSaved:
        """Say how much time playbooks spared people. `worth` needs a rate."""
        found = await database.read(lambda tx: saved.summed(tx, organization_id, since=saved.lately(days)))
        return TimeSaved.model_validate(found)

    @router.put("/rate", dependencies=[needs(Permission.ORGANIZATION_CHANGE)])
    async def rate(author: Author, wanted: HourlyRate) -> HourlyRate:
        """Say what an hour of people's work costs. 0 forgets it."""
        made = await database.run(
            lambda tx: saved.set_rate(tx, author.organization_id, wanted.rate, wanted.currency, by=author.name)
        )
        return HourlyRate.model_validate(made)

    return router
