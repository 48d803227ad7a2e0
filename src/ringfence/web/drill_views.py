"""What the pages of drills show, read in one transaction."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from ringfence.accounts import records as accounts
from ringfence.alerts import queue
from ringfence.containment import board
from ringfence.drills import desk, promotion, records, sightings
from ringfence.drills.model import Covered, Drill
from ringfence.drills.records import Device, Schedule
from ringfence.incidents.model import Incident
from ringfence.storage import Transaction

DAYS = 90
_SHOWN = 50
# So the simulator names what people work at; policy would rightly refuse a drill on a domain controller.
_PEOPLES = ("wks-", "lap-")


@dataclass(frozen=True, slots=True)
class View:
    """All of the page of drills; `real` are the ids of the devices that belong to real tenants, `names` by machine id.

    `free` are hosts of simulated tenants that a drill could be held on: there nothing is at stake. `simulated` says whether
    there is such a tenant.
    """

    drills: tuple[Drill, ...]
    devices: tuple[Device, ...]
    real: frozenset[str]
    names: dict[str, str]
    schedules: tuple[Schedule, ...]
    coverage: tuple[Covered, ...]
    playbooks: tuple[str, ...]
    free: tuple[str, ...]
    simulated: bool


def view(tx: Transaction, organization_id: str) -> View:
    """Return what an organization's page shows."""
    devices = tuple(records.devices(tx, organization_id))
    simulated = {each.id for each in accounts.every(tx, organization_id) if sightings.is_simulated(tx, each.id)}
    names = {each.machine_id: each.name for each in devices}
    return View(
        drills=tuple(records.listing(tx, organization_id, limit=_SHOWN)),
        devices=devices,
        real=frozenset(each.machine_id for each in devices if each.account_id not in simulated),
        names=names,
        schedules=tuple(records.schedules(tx, organization_id)),
        coverage=tuple(records.coverage(tx, organization_id, days=DAYS)),
        playbooks=tuple(desk.containing(tx, organization_id)),
        free=tuple(_free(tx, organization_id, sorted(simulated), names)),
        simulated=bool(simulated),
    )


def _free(tx: Transaction, organization_id: str, simulated: Sequence[str], taken: Container[str]) -> Iterator[str]:
    held = {row.machine_id for row in board.listing(tx, organization_id, live=True, limit=_SHOWN).rows if simulated}
    for account_id in simulated:
        known = queue.hosts(tx, account_id).items()
        free = (name for machine, name in known if machine not in taken and machine not in held)
        yield from sorted(name for name in free if name.startswith(_PEOPLES))


def incident_of(tx: Transaction, drill: Drill) -> Incident | None:
    """Return the incident of a drill, or None."""
    return promotion.of(tx, drill)
