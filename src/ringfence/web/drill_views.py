"""What the pages of drills show, read in one transaction."""

from dataclasses import dataclass

from ringfence.drills import desk, promotion, records, sightings
from ringfence.drills.model import Covered, Drill
from ringfence.drills.records import Device, Schedule
from ringfence.incidents.model import Incident
from ringfence.storage import Transaction

DAYS = 90
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class View:
    """All of the page of drills; `real` are the ids of the devices that belong to real tenants, `names` by machine id."""

    drills: tuple[Drill, ...]
    devices: tuple[Device, ...]
    real: frozenset[str]
    names: dict[str, str]
    schedules: tuple[Schedule, ...]
    coverage: tuple[Covered, ...]
    playbooks: tuple[str, ...]


def view(tx: Transaction, organization_id: str) -> View:
    """Return what an organization's page shows."""
    devices = tuple(records.devices(tx, organization_id))
    simulated = {
        account: sightings.is_simulated(tx, account) for account in sorted({each.account_id for each in devices})
    }
    return View(
        drills=tuple(records.listing(tx, organization_id, limit=_SHOWN)),
        devices=devices,
        real=frozenset(each.machine_id for each in devices if not simulated[each.account_id]),
        names={each.machine_id: each.name for each in devices},
        schedules=tuple(records.schedules(tx, organization_id)),
        coverage=tuple(records.coverage(tx, organization_id, days=DAYS)),
        playbooks=tuple(desk.containing(tx, organization_id)),
    )


def incident_of(tx: Transaction, drill: Drill) -> Incident | None:
    """Return the incident of a drill, or None."""
    return promotion.of(tx, drill)
