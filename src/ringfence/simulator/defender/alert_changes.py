"""Changing several alerts at once, and raising an alert from an event that hunting found."""

from typing import Literal

from ringfence.simulator import investigations, portal, sightings, telemetry
from ringfence.simulator.defender import bodies
from ringfence.simulator.defender.alerts import change, changes_of
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.operations import ApiError, Call, Reply, entity
from ringfence.simulator.record import Record
from ringfence.simulator.specs import AlertSpec

_CATEGORIES = (
    "General",
    "CommandAndControl",
    "Collection",
    "CredentialAccess",
    "DefenseEvasion",
    "Discovery",
    "Exfiltration",
    "Exploit",
    "Execution",
    "InitialAccess",
    "LateralMovement",
    "Malware",
    "Persistence",
    "PrivilegeEscalation",
    "Ransomware",
    "SuspiciousActivity",
)
_SEVERITIES: dict[str, Literal["Low", "Medium", "High"]] = {"Low": "Low", "Medium": "Medium", "High": "High"}
_WRITE = "Alert.ReadWrite.All"


@operation("batch_update_alerts", "POST", "alerts/batchUpdate", _WRITE)
def batch_update_alerts(call: Call) -> Reply:
    """Change several alerts alike: 200 with an empty body, also where some ids are unknown (not documented)."""
    body = call.json_body()
    keys = bodies.batch(body, "alertIds")
    changes, comment = changes_of({name: value for name, value in body.items() if name != "alertIds"})
    for key in dict.fromkeys(keys):
        record = call.tenant.alerts.get(key)
        if record is not None:
            change(call, record, changes, comment)
    return Reply(200)


@operation("create_alert_by_reference", "POST", "alerts/CreateAlertByReference", _WRITE)
def create_alert_by_reference(call: Call) -> Reply:
    """Raise an alert from an event, or add the event to the open alert of the same title on the same machine.

    An investigation of the machine starts by itself.
    """
    body = call.json_body()
    severity = _SEVERITIES[bodies.choice(body, "severity", tuple(_SEVERITIES))]
    category = bodies.choice(body, "category", _CATEGORIES)
    title, description = bodies.text(body, "title"), bodies.text(body, "description")
    bodies.text(body, "recommendedAction")
    report, key = bodies.text(body, "reportId"), bodies.text(body, "machineId")
    bodies.text(body, "eventTime")
    moment = bodies.moment(body, "eventTime")
    machine = machine_of(call, key)
    event = telemetry.find(call.tenant, machine.id, report, moment or 0)
    if event is None:
        raise ApiError(404, "ResourceNotFound", f"Event {report} of machine {key} was not found")
    same = _open_alert(call, machine.id, title)
    if same is not None:
        held = list(sightings.evidence_of(same.document))
        if event.evidence not in held:
            same.document["evidence"] = [*held, event.evidence]
        portal.change_alert(call.tenant, same, {}, call.now)
        return entity("Alerts", same.full())
    values = {"title": title, "description": description, "severity": severity, "category": category}
    spec = AlertSpec(machine=machine.id, detection_source="CustomDetection").model_copy(update=values)
    record = call.tenant.alerts[portal.raise_alert(call.tenant, spec, call.now)]
    record.document["evidence"] = [event.evidence]
    investigations.start(call.tenant, machine, record, call.simulator.clock, call.now)
    call.entry.alert_id = record.key
    return entity("Alerts", record.full())


def _open_alert(call: Call, machine_id: str, title: str) -> Record | None:
    for record in call.tenant.alert_order:
        same = record.document.get("machineId") == machine_id and record.document.get("title") == title
        if same and record.document.get("status") != "Resolved":
            return record
    return None
