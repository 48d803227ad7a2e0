"""What happens inside a tenant without the API: detections, and the clicks of people in the portal."""

from typing import Any

from ringfence.simulator import documents, ids, lifecycle, timestamps
from ringfence.simulator.clock import SimulatorClock
from ringfence.simulator.record import Document, Record
from ringfence.simulator.specs import AlertChange, AlertSpec, Event, MachineChange, PortalAction
from ringfence.simulator.tenant import Action, Machine, Tenant

_GUID_SOURCES = {"WindowsDefenderAv", "CustomerTI"}
_TIME_KEYS = ("processCreationTime", "parentProcessCreationTime")


class UnknownMachine(LookupError):
    """The tenant has no machine of that id or name."""


def require_machine(tenant: Tenant, id_or_name: str) -> Machine:
    """Return the machine of that id or name. Raises UnknownMachine."""
    machine = tenant.find_machine(id_or_name)
    if machine is None:
        raise UnknownMachine(f"Tenant {tenant.name} has no machine {id_or_name!r}; GET /_sim/state lists them.")
    return machine


def raise_alert(
    tenant: Tenant, spec: AlertSpec, at: float, last_update: str | None = None, *, visible_at: float | None = None
) -> str:
    """Raise an alert at a moment and return its id; before `visible_at` the API does not show it."""
    machine = require_machine(tenant, spec.machine)
    number = tenant.next_number()
    seed = (tenant.seed, tenant.name, number)
    created = timestamps.to_ticks(at)
    first = created - ids.number(600_000_001, 1_199_999_999, "first", *seed)
    last = created - ids.number(200_000_001, 599_999_999, "last", *seed)
    updated = timestamps.read(last_update) if last_update else timestamps.database_step(at)
    values: Document = {
        "id": _alert_id(tenant, spec, at, number),
        "incidentId": spec.incident if spec.incident is not None else 1_000 + number,
        "severity": spec.severity,
        "status": spec.status,
        "investigationState": spec.investigation_state,
        "detectionSource": spec.detection_source,
        "detectorId": ids.guid("detector", spec.title),
        "category": spec.category,
        "threatFamilyName": spec.threat_family,
        "title": spec.title,
        "description": spec.description,
        "alertCreationTime": timestamps.write(created),
        "firstEventTime": timestamps.write(first),
        "lastEventTime": timestamps.write(last),
        "lastUpdateTime": last_update or timestamps.write(updated),
        "resolvedTime": timestamps.write(updated) if spec.status == "Resolved" else None,
        "machineId": machine.id,
        "computerDnsName": machine.name,
        "rbacGroupName": machine.record.document.get("rbacGroupName"),
        "aadTenantId": tenant.id,
        "threatName": spec.threat_name,
        "mitreTechniques": list(spec.mitre),
        "relatedUser": {"userName": spec.user, "domainName": tenant.name.upper()} if spec.user else None,
        "loggedOnUsers": [{"accountName": user, "domainName": tenant.name.upper()} for user in machine.users],
        "evidence": [_evidence(item, timestamps.database_step(at), first) for item in spec.evidence],
    }
    record = documents.alert(values, at)
    if visible_at is None:
        tenant.keep_alert(record)
    else:
        tenant.withhold(record, visible_at)
    if spec.user:
        tenant.user(spec.user, machine.id, at)
    if spec.ref:
        tenant.refs[spec.ref] = record.key
    return record.key


def raise_verbatim(tenant: Tenant, document: Document, at: float) -> str:
    """Take an alert document exactly as given, however odd, and return the key under which it is kept."""
    key = document["id"] if isinstance(document.get("id"), str) else f"verbatim-{tenant.next_number()}"
    tenant.keep_alert(Record(key, document, documents.alert_ticks(document, at)))
    return key


def _alert_id(tenant: Tenant, spec: AlertSpec, at: float, number: int) -> str:
    seed = (tenant.seed, tenant.name, number)
    if spec.detection_source in _GUID_SOURCES:
        return f"da{ids.guid('alert', *seed)}_1"
    prefix, attempt = f"da{timestamps.dotnet_ticks(at)}_", 0
    while (key := f"{prefix}{ids.number(-(2**31), 2**31 - 1, 'alert', *seed, attempt)}") in tenant.alerts:
        attempt += 1
    return key


def _evidence(item: dict[str, Any], created: int, first: int) -> Document:
    values: Document = {"evidenceCreationTime": timestamps.write(created), "detectionStatus": "Detected"}
    if item["entityType"] in ("User", "Ip", "Url"):
        values["detectionStatus"] = None
    if item["entityType"] == "Process":
        values |= {key: timestamps.write(first + place) for place, key in enumerate(reversed(_TIME_KEYS))}
    return documents.evidence(values | item)


def change_alert(tenant: Tenant, record: Record, changes: Document, at: float, comment: Document | None = None) -> None:
    """Change properties of an alert, add a comment, and move its times."""
    document = record.document
    updated = timestamps.database_step(at)
    document.update(changes)
    if "status" in changes:
        document["resolvedTime"] = timestamps.stamp(at) if changes["status"] == "Resolved" else None
    if comment is not None:
        comments = document.get("comments")
        document["comments"] = [*(comments if isinstance(comments, list) else []), comment]
    document["lastUpdateTime"] = timestamps.write(updated)
    record.ticks["lastUpdateTime"] = updated
    record.changed()
    tenant.touch("alert", record.key)


def edit_alert(tenant: Tenant, record: Record, change: AlertChange, at: float) -> None:
    """Change an alert as a person in the portal does."""
    names = {
        "status": change.status,
        "assignedTo": change.assigned_to,
        "classification": change.classification,
        "determination": change.determination,
        "severity": change.severity,
        "investigationState": change.investigation_state,
    }
    comment = None
    if change.comment is not None:
        comment = {"comment": change.comment, "createdBy": change.by, "createdTime": timestamps.stamp(at)}
    change_alert(tenant, record, {key: value for key, value in names.items() if value is not None}, at, comment)


def edit_machine(tenant: Tenant, machine: Machine, change: MachineChange, clock: SimulatorClock, at: float) -> None:
    """Change a machine: bring it back or take it away, tag it, or write any property."""
    fields = dict(change.fields)
    name = fields.pop("computerDnsName", None)
    if isinstance(name, str):
        tenant.rename_machine(machine, name)
    machine.record.document.update(fields)
    if change.tags is not None:
        machine.record.document["machineTags"] = list(change.tags)
    if change.next_outcome is not None:
        machine.next_outcome = change.next_outcome
    if change.merge_into is not None:
        machine.record.document["mergedIntoMachineId"] = require_machine(tenant, change.merge_into).id
        lifecycle.go_offline(tenant, machine)
    tenant.reread_machine(machine)
    if change.duplicate:
        tenant.duplicate_machine(machine, at)
        lifecycle.go_offline(tenant, machine)
    if change.online is True:
        lifecycle.come_online(tenant, machine, clock, at)
    elif change.online is False:
        lifecycle.go_offline(tenant, machine)


def act(tenant: Tenant, request: PortalAction, clock: SimulatorClock, at: float) -> Action:
    """Take a response action as an analyst does in the portal, or as Defender does itself."""
    machine = require_machine(tenant, request.machine)
    scopes = {"Isolate": request.scope, "RunAntiVirusScan": "Quick"}
    values: Document = {
        "type": request.type,
        "requestor": request.by,
        "requestorComment": request.comment,
        "requestSource": request.source,
        "scope": scopes.get(request.type),
    }
    if request.sha1 is not None:
        values["relatedFileInfo"] = {"fileIdentifier": request.sha1.lower(), "fileIdentifierType": "Sha1"}
    return lifecycle.submit(tenant, machine, values, clock, at)


def shown_at(spec: AlertSpec, clock: SimulatorClock, at: float) -> float | None:
    """Return the moment from which the API shows an alert that is delayed; None shows it at once."""
    return at + clock.duration(spec.delay) if spec.delay else None


def play(tenant: Tenant, event: Event, clock: SimulatorClock, at: float) -> None:
    """Let a scenario event happen at the moment it was due."""
    if event.alert:
        raise_alert(tenant, event.alert, at, visible_at=shown_at(event.alert, clock, at))
    elif event.update:
        record = tenant.find_alert(tenant.refs[event.update.ref])
        if record is not None:
            edit_alert(tenant, record, event.update, at)
    elif event.machine:
        edit_machine(tenant, require_machine(tenant, event.machine.name), event.machine, clock, at)
    elif event.portal_action:
        act(tenant, event.portal_action, clock, at)
