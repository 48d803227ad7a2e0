"""What people ask of drills, from every door: allow a device, begin a drill, on the playbook that is meant."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol

from ringfence.accounts import records as accounts
from ringfence.containment.explaining import Explanation
from ringfence.containment.verdict import Outcome
from ringfence.drills import records, sightings
from ringfence.drills.model import Drill
from ringfence.drills.records import Device
from ringfence.errors import Conflict, Invalid, NotFound, RingfenceError
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.playbooks.library import PlaybookState
from ringfence.storage import Database, Transaction

_CONTAINS: Final = frozenset({"containment.contain", "incident.contain"})


def allow(tx: Transaction, organization_id: str, account: str | None, found: Explanation, by: str) -> Device:
    """Allow drills on the host that was looked up, with the account of this name.

    NotFound, with those that came close, where the host is not known for certain; Conflict where policy protects it.
    """
    if found.machine_id is None:
        close = f" These came close: {'; '.join(found.candidates)}." if found.candidates else ""
        raise NotFound(
            " ".join(found.reasons) + close, advice="Name the device by its machine id, or by its whole name."
        )
    if found.lasting:
        raise _denied(found.machine_name or found.machine_id, found.lasting)
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


class Explain(Protocol):
    """Say what policy says about a host now."""

    async def __call__(
        self, *, organization_id: str, target: str, account: str | None, playbook: str | None, drill: bool
    ) -> Explanation:
        """Return the verdict; Unavailable where Defender cannot be asked."""
        ...


async def begin(
    database: Database,
    explain: Explain,
    organization_id: str,
    device: str,
    name: str | None,
    *,
    real: bool,
    by: str,
    patience: float = records.USUAL,
) -> Drill:
    """Begin a drill on an allowed device.

    Invalid where a real tenant is meant and that was not said, Conflict where policy would deny the containment. Where Defender
    cannot be asked now, the worker asks it before anything is done.
    """

    def meant(tx: Transaction) -> tuple[Device, str, str]:
        where = records.device(tx, organization_id, device)
        if not real and not sightings.is_simulated(tx, where.account_id):
            raise Invalid(
                f"{where.name} is a device of a real tenant, into which no test alert can be put.",
                advice="Hold a real drill (--real): a person saves the EICAR test file on the device, which is really isolated.",
            )
        return where, playbook(tx, organization_id, name), accounts.by_id(tx, where.account_id).name

    where, rehearsed, account = await database.read(meant)
    try:
        found = await explain(
            organization_id=organization_id, target=where.machine_id, account=account, playbook=rehearsed, drill=True
        )
    except RingfenceError:
        found = None
    if found is not None and found.machine_id is not None and found.outcome is Outcome.DENIED:
        raise _denied(where.name, found.reasons)
    return await database.run(lambda tx: records.begin(tx, where, rehearsed, real=real, by=by, patience=patience))


def _denied(name: str, reasons: Iterable[str]) -> Conflict:
    return Conflict(
        f"Policy would not let a playbook contain {name}, so a drill on it could only fail. {' '.join(reasons)}",
        advice=f"Take a device that policy lets playbooks contain, or change the policy. What counts is said by "
        f"`ringfence policy explain {name}`, and on the page Policy, Explain for a machine.",
    )


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
