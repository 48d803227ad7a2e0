"""What people ask of drills, from every door: allow a device, begin a drill, on the playbook that is meant."""

from functools import lru_cache
from typing import Final

from ringfence.accounts import records as accounts
from ringfence.containment.explaining import Explanation
from ringfence.drills import records, sightings
from ringfence.drills.model import Drill
from ringfence.drills.records import Device
from ringfence.errors import Invalid, NotFound
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.playbooks.library import PlaybookState
from ringfence.storage import Transaction

_CONTAINS: Final = frozenset({"containment.contain", "incident.contain"})


def allow(tx: Transaction, organization_id: str, account: str | None, found: Explanation, by: str) -> Device:
    """Allow drills on the host that was looked up; NotFound, with those that came close, where it is not known for certain."""
    if found.machine_id is None:
        close = f" These came close: {'; '.join(found.candidates)}." if found.candidates else ""
        raise NotFound(
            " ".join(found.reasons) + close, advice="Name the device by its machine id, or by its whole name."
        )
    meant = accounts.sensor(tx, organization_id) if account is None else accounts.by_name(tx, organization_id, account)
    if meant is None:
        raise NotFound(
            "This organization has no account that contains.", advice="Connect one: `ringfence account add`."
        )
    return records.add_device(
        tx,
        organization_id,
        meant.id,
        found.machine_id,
        by,
        name=found.machine_name,
        device_group=found.device_group,
        os_platform=found.facts.get("os_platform"),
    )


def containing(tx: Transaction, organization_id: str) -> list[str]:
    """Return the names of the active playbooks that contain hosts."""
    stored = {
        each.version_id: each.name
        for each in library.every(tx, organization_id)
        if each.state is PlaybookState.ACTIVE and each.version_id is not None
    }
    found = []
    for version_id, text in library.sources(tx, organization_id, stored):
        if contains(text):
            found.append(stored[version_id])
    return sorted(found)


@lru_cache(maxsize=1024)
def contains(source: str) -> bool:
    """Whether a playbook has a step that contains hosts; False for what is no playbook."""
    playbook = read(source).playbook
    return playbook is not None and any(step.action in _CONTAINS for step in playbook.steps.values())


def playbook(tx: Transaction, organization_id: str, name: str | None) -> str:
    """Return the playbook to rehearse: the one named, else the only active one that contains."""
    known = containing(tx, organization_id)
    if name:
        stored = library.get(tx, organization_id, name)
        if stored.name not in known and stored.state is PlaybookState.ACTIVE:
            raise Invalid(
                f"The playbook {stored.name!r} contains no host, so there is nothing to rehearse.",
                advice=f"Name one that does: {', '.join(known)}." if known else "Publish one that does.",
            )
        return stored.name
    if len(known) == 1:
        return known[0]
    if not known:
        raise Invalid(
            "No active playbook contains hosts.",
            advice="Publish one: `ringfence playbook publish FILE`; a drill rehearses what is active.",
        )
    raise Invalid(
        "Several playbooks contain hosts, so it is not clear which is meant.",
        advice=f"Name one of: {', '.join(known)}.",
    )


def begin(
    tx: Transaction,
    organization_id: str,
    device: str,
    name: str | None,
    *,
    real: bool,
    by: str,
    patience: float = records.USUAL,
) -> Drill:
    """Begin a drill on an allowed device; Invalid where a real tenant is meant and that was not said."""
    where = records.device(tx, organization_id, device)
    simulated = sightings.is_simulated(tx, where.account_id)
    if not simulated and not real:
        raise Invalid(
            f"{where.name} is a device of a real tenant, into which no test alert can be put.",
            advice="Hold a real drill (--real): a person saves the EICAR test file on the device, which is really isolated.",
        )
    return records.begin(tx, where, playbook(tx, organization_id, name), real=real, by=by, patience=patience)


def schedule(
    tx: Transaction,
    organization_id: str,
    device: str,
    name: str | None,
    *,
    cron: str,
    time_zone: str,
    by: str,
    patience: float = records.USUAL,
) -> records.Schedule:
    """Begin drills by the clock on an allowed device."""
    where = records.device(tx, organization_id, device)
    meant = playbook(tx, organization_id, name)
    return records.schedule(tx, where, meant, cron=cron, time_zone=time_zone, by=by, patience=patience)
