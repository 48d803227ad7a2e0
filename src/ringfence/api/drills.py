"""/api/v1/drills: rehearsals, the devices on which they may be held, their schedules, and what they cover."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.deeds import Explain
from ringfence.drills import desk, records
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database

_MOST: Final = 10_000
Text = Annotated[str, Field(min_length=1, max_length=300)]
Patience = Annotated[float, Field(ge=records.SHORTEST, le=records.LONGEST, description="Seconds.")]


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DrillStep(_Read):
    """One line of a scorecard: done, failed or warning."""

    name: str
    mark: str
    detail: str
    at: AwareDatetime
    seconds: float | None


class Drill(_Read):
    """A drill with its scorecard; over when its state is passed, failed or aborted."""

    id: str
    machine_id: str
    machine_name: str
    device_group: str | None
    os_platform: str | None
    playbook: str
    real: bool
    state: str
    detail: str
    over: bool
    steps: list[DrillStep]
    alert_id: str | None
    run_id: str | None
    containment_id: str | None
    started_by: str
    started_at: AwareDatetime
    deadline_at: AwareDatetime
    aborted_by: str | None
    finished_at: AwareDatetime | None


class DrillDevice(_Read):
    """A device on which drills are allowed."""

    machine_id: str
    name: str
    device_group: str | None
    os_platform: str | None
    added_by: str
    added_at: AwareDatetime


class DrillSchedule(_Read):
    """A drill that is held by the clock; `detail` says what became of the last one, `patience` is in seconds."""

    id: str
    machine_id: str
    playbook: str
    cron: str
    time_zone: str
    patience: float
    made_by: str
    made_at: AwareDatetime
    next_at: AwareDatetime | None
    detail: str


class Covered(_Read):
    """What was rehearsed, of the devices of one group and operating system; empty means none or unknown."""

    device_group: str
    os_platform: str
    devices: int
    drills: int
    passed: int
    last_passed_at: AwareDatetime | None


class NewDrill(BaseModel):
    """A drill to begin. `real` is needed where the device is of a real tenant."""

    model_config = ConfigDict(extra="forbid")

    device: Text
    playbook: Text | None = None
    real: bool = False
    patience: Patience = records.USUAL


class NewDevice(BaseModel):
    """A device to allow drills on: its whole name or machine id."""

    model_config = ConfigDict(extra="forbid")

    device: Text
    account: Text | None = None


class NewSchedule(BaseModel):
    """A schedule to make."""

    model_config = ConfigDict(extra="forbid")

    device: Text
    cron: Text
    time_zone: Text = "UTC"
    playbook: Text | None = None
    patience: Patience = records.USUAL


def routes(database: Database, explain: Explain) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/drills", tags=["drills"], dependencies=[needs(Permission.DRILL_READ)])

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Drill]:
        """List drills, the newest first. Each has a scorecard."""
        found = await database.read(lambda tx: records.listing(tx, organization_id, limit=_MOST))
        return paging.of(
            found, Drill.model_validate, key=lambda each: (iso(each.started_at), each.id), newest_first=True
        )

    @router.post("", status_code=201, dependencies=[needs(Permission.DRILL_RUN)])
    async def begin(author: Author, new: NewDrill) -> Drill:
        """Begin a drill on a device that is named for it.

        It goes from an alert to the released host; follow it by its id. A device that policy would not let a playbook contain
        is refused.
        """
        made = await desk.begin(
            database,
            explain,
            author.organization_id,
            new.device,
            new.playbook,
            real=new.real,
            by=author.name,
            patience=new.patience,
        )
        return Drill.model_validate(made)

    @router.get("/devices")
    async def devices(organization_id: OrganizationId, paging: Paged) -> Listing[DrillDevice]:
        """List the devices on which drills may be held. All others are never drilled on."""
        found = await database.read(lambda tx: records.devices(tx, organization_id))
        return paging.of(found, DrillDevice.model_validate, key=lambda each: (each.name, each.machine_id))

    @router.post("/devices", status_code=201, dependencies=[needs(Permission.DRILL_MANAGE)])
    async def allow(author: Author, new: NewDevice) -> DrillDevice:
        """Allow drills on a device. It is looked up in Defender first, and refused where policy protects it."""
        found = await explain(
            organization_id=author.organization_id, target=new.device, account=new.account, by_person=True
        )
        made = await database.run(lambda tx: desk.allow(tx, author.organization_id, new.account, found, author.name))
        return DrillDevice.model_validate(made)

    @router.delete("/devices/{name}", dependencies=[needs(Permission.DRILL_MANAGE)])
    async def forbid(author: Author, name: str) -> DrillDevice:
        """Allow no more drills on a device. A drill that is going on is not stopped by it."""
        gone = await database.run(lambda tx: records.remove_device(tx, author.organization_id, name, author.name))
        return DrillDevice.model_validate(gone)

    @router.get("/schedules")
    async def schedules(organization_id: OrganizationId, paging: Paged) -> Listing[DrillSchedule]:
        """List the drills that are held by the clock. Each says when the next one is due."""
        found = await database.read(lambda tx: records.schedules(tx, organization_id))
        return paging.of(found, DrillSchedule.model_validate, key=lambda each: (each.id,))

    @router.post("/schedules", status_code=201, dependencies=[needs(Permission.DRILL_MANAGE)])
    async def schedule(author: Author, new: NewSchedule) -> DrillSchedule:
        """Hold a drill by the clock. The times are those of cron in a time zone."""
        made = await database.run(
            lambda tx: desk.schedule(
                tx,
                author.organization_id,
                new.device,
                new.playbook,
                cron=new.cron,
                time_zone=new.time_zone,
                by=author.name,
                patience=new.patience,
            )
        )
        return DrillSchedule.model_validate(made)

    @router.delete("/schedules/{schedule_id}", status_code=204, dependencies=[needs(Permission.DRILL_MANAGE)])
    async def unschedule(author: Author, schedule_id: str) -> None:
        """Hold no more drills by a schedule. What was held stays."""
        await database.run(lambda tx: records.unschedule(tx, author.organization_id, schedule_id, author.name))

    @router.get("/coverage")
    async def coverage(
        organization_id: OrganizationId, paging: Paged, days: Annotated[int, Query(ge=1, le=3650)] = 90
    ) -> Listing[Covered]:
        """Say what was rehearsed, by device group and operating system. What was never rehearsed comes with zeros."""
        found = await database.read(lambda tx: records.coverage(tx, organization_id, days=days))
        return paging.of(found, Covered.model_validate, key=lambda each: (each.device_group, each.os_platform))

    @router.get("/{drill_id}")
    async def one(organization_id: OrganizationId, drill_id: str) -> Drill:
        """Show one drill with its scorecard. It is over when it has passed, failed or was aborted."""
        found = await database.read(lambda tx: records.get(tx, drill_id, organization_id=organization_id))
        return Drill.model_validate(found)

    @router.post("/{drill_id}/abort", dependencies=[needs(Permission.DRILL_RUN)])
    async def abort(author: Author, drill_id: str) -> Drill:
        """Abort a drill. The host is released if it was isolated."""
        found = await database.run(
            lambda tx: records.abort(tx, drill_id, organization_id=author.organization_id, by=author.name)
        )
        return Drill.model_validate(found)

    return router
