"""Automated investigations and their life: they run on a machine, wait for it if it is away, and end with a verdict."""

from ringfence.simulator import documents, ids, sightings, timestamps
from ringfence.simulator.clock import SimulatorClock
from ringfence.simulator.record import Document, Record
from ringfence.simulator.shelves import Item
from ringfence.simulator.tenant import Machine, Tenant

KEYS = (
    "id",
    "startTime",
    "endTime",
    "state",
    "cancelledBy",
    "statusDetails",
    "machineId",
    "computerDnsName",
    "triggeringAlertId",
)
_FIRST_ID = 63_000


def start(tenant: Tenant, machine: Machine, alert: Record, clock: SimulatorClock, at: float) -> Item:
    """Start an investigation of a machine because of an alert; another system than Windows ends it at once."""
    supported = str(machine.record.document.get("osPlatform")).startswith("Windows")
    online = machine.online_since is not None
    values: Document = {
        "id": str(_FIRST_ID + tenant.next_number()),
        "startTime": timestamps.stamp(at),
        "endTime": None if supported else timestamps.stamp(at),
        "state": ("Running" if online else "PendingResource") if supported else "UnsupportedOs",
        "cancelledBy": None,
        "statusDetails": None,
        "machineId": machine.id,
        "computerDnsName": machine.name,
        "triggeringAlertId": alert.key,
    }
    due = at + clock.duration(tenant.settings.investigation_seconds) if supported and online else None
    item = tenant.shelves["investigation"].put(values["id"], values, {"due_at": due})
    _show(tenant, item, alert, at)
    return item


def raise_alert(tenant: Tenant, machine: Machine, by: str, comment: str, at: float) -> Record:
    """Raise the alert by which an investigation that was started by hand is known (recorded)."""
    moment = timestamps.stamp(at)
    number = tenant.next_number()
    key = f"ar{timestamps.dotnet_ticks(at)}_{ids.number(1, 2**31 - 1, 'manual', tenant.seed, tenant.name, number)}"
    values: Document = {
        "id": key,
        "incidentId": 1_000 + number,
        "severity": "Informational",
        "status": "New",
        "investigationState": "Running",
        "detectionSource": "AutomatedInvestigation",
        "detectorId": ids.guid("detector", "manual investigation"),
        "category": "SuspiciousActivity",
        "title": "Automated investigation started manually",
        "description": f"{by} started an automated investigation on {machine.name}: {comment}",
        "alertCreationTime": moment,
        "firstEventTime": moment,
        "lastEventTime": moment,
        "lastUpdateTime": timestamps.write(timestamps.database_step(at)),
        "machineId": machine.id,
        "computerDnsName": machine.name,
        "rbacGroupName": machine.record.document.get("rbacGroupName"),
        "aadTenantId": tenant.id,
        "loggedOnUsers": [{"accountName": user, "domainName": tenant.name.upper()} for user in machine.users],
    }
    record = documents.alert(values, at)
    tenant.keep_alert(record)
    return record


def find(tenant: Tenant, key: str) -> Item | None:
    """Find an investigation by its id, or by the alert that triggered it."""
    shelf = tenant.shelves["investigation"]
    return shelf.get(key) or next((item for item in shelf if item.document["triggeringAlertId"] == key), None)


def earliest(tenant: Tenant) -> tuple[float, Item] | None:
    """Return the next moment at which an investigation ends, and which."""
    running = [(item.hidden["due_at"], item) for item in tenant.shelves["investigation"] if item.hidden["due_at"]]
    return min(running, key=lambda pair: float(pair[0]), default=None)


def end(tenant: Tenant, item: Item, at: float) -> None:
    """End an investigation: files of the machine's open alerts are quarantined, and without any it was benign.

    A machine that is away by now leaves it waiting (PendingResource).
    """
    machine = tenant.machines[item.document["machineId"]]
    item.hidden["due_at"] = None
    alert = tenant.find_alert(item.document["triggeringAlertId"])
    if machine.online_since is None:
        item.document["state"] = "PendingResource"
    else:
        found = {
            str(evidence["sha1"]).lower()
            for record in tenant.alert_order
            if record.document.get("machineId") == machine.id and record.document.get("status") != "Resolved"
            for evidence in sightings.evidence_of(record.document)
            if evidence.get("sha1") and evidence.get("entityType") in ("File", "Process")
        }
        item.document["state"] = "SuccessfullyRemediated" if found else "Benign"
        item.document["endTime"] = timestamps.stamp(at)
        machine.quarantined = sorted({*machine.quarantined, *found})
        tenant.touch("machine", machine.id)
    if alert is not None:
        _show(tenant, item, alert, at)
    tenant.shelves["investigation"].changed(item)


def wake(tenant: Tenant, machine: Machine, clock: SimulatorClock, at: float) -> None:
    """Let the investigations go on that waited for a machine."""
    for item in tenant.shelves["investigation"]:
        if item.document["machineId"] == machine.id and item.document["state"] == "PendingResource":
            item.document["state"] = "Running"
            item.hidden["due_at"] = at + clock.duration(tenant.settings.investigation_seconds)
            tenant.shelves["investigation"].changed(item)


def _show(tenant: Tenant, item: Item, alert: Record, at: float) -> None:
    alert.document["investigationId"] = int(item.document["id"])
    alert.document["investigationState"] = item.document["state"]
    if item.document["endTime"] and alert.key.startswith("ar"):
        alert.document |= {"status": "Resolved", "assignedTo": "Automation", "resolvedTime": timestamps.stamp(at)}
    updated = timestamps.database_step(at)
    alert.document["lastUpdateTime"] = timestamps.write(updated)
    alert.ticks["lastUpdateTime"] = updated
    alert.changed()
    tenant.touch("alert", alert.key)
