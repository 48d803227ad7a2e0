"""Alerts of Defender for Endpoint."""

from typing import Any

from ringfence.simulator import odata, portal, timestamps
from ringfence.simulator.defender.registry import machine_of, operation
from ringfence.simulator.filters import Schema
from ringfence.simulator.operations import ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import Record

SCHEMA = Schema(
    "Alert",
    (
        ("alertCreationTime", "time"),
        ("lastUpdateTime", "time"),
        ("incidentId", "number"),
        ("investigationId", "number"),
        ("id", "text"),
        ("assignedTo", "text"),
        ("detectionSource", "text"),
        ("lastEventTime", "time"),
        ("status", "text"),
        ("severity", "text"),
        ("category", "text"),
    ),
)
STATUSES = ("New", "InProgress", "Resolved")
CLASSIFICATIONS = ("TruePositive", "InformationalExpectedActivity", "FalsePositive")
DETERMINATIONS = (
    "MultiStagedAttack",
    "MaliciousUserActivity",
    "CompromisedUser",
    "CompromisedAccount",
    "Malware",
    "Phishing",
    "UnwantedSoftware",
    "Other",
    "SecurityTesting",
    "LineOfBusinessApplication",
    "ConfirmedUserActivity",
    "ConfirmedActivity",
    "InsufficientData",
    "NoEnoughDataToValidate",
    "Clean",
    "NotMalicious",
)
_ENUMS: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "classification": CLASSIFICATIONS,
    "determination": DETERMINATIONS,
}
_READ = ("Alert.Read.All", "Alert.ReadWrite.All")


def alert_of(call: Call) -> Record:
    """Return the alert that the path names. Raises ApiError 404."""
    key = call.params["id"]
    call.entry.alert_id = key
    record = call.tenant.alerts.get(key)
    if record is None:
        raise not_found(f"Alert {key}")
    return record


@operation("list_alerts", "GET", "alerts", *_READ)
def list_alerts(call: Call) -> Reply:
    """List alerts, ascending by id unless ordered otherwise."""
    options = odata.parse(call.query, expandable=True)
    page = odata.apply(options, call.tenant.alert_order, SCHEMA, call.tenant.settings.page_size)
    call.tenant.deliver(record.key for record in page.records)
    return odata.collection("Alerts", page, options)


@operation("get_alert", "GET", "alerts/{id}", *_READ)
def get_alert(call: Call) -> Reply:
    """Read one alert, evidence included."""
    record = alert_of(call)
    call.tenant.deliver([record.key])
    return entity("Alerts", record.full())


@operation("update_alert", "PATCH", "alerts/{id}", "Alert.ReadWrite.All")
def update_alert(call: Call) -> Reply:
    """Change status, owner, classification or determination, or add a comment."""
    record = alert_of(call)
    change(call, record, *changes_of(call.json_body()))
    return entity("Alerts", record.full())


def change(call: Call, record: Record, changes: dict[str, str], comment: str | None) -> None:
    """Change an alert in the name of the app that calls."""
    remark = None
    if comment is not None:
        remark = {"comment": comment, "createdBy": call.app.name, "createdTime": timestamps.stamp(call.now)}
    if changes or remark:
        portal.change_alert(call.tenant, record, changes, call.now, remark)


def changes_of(body: dict[str, Any]) -> tuple[dict[str, str], str | None]:
    """Return what a request changes, and its comment. Raises ApiError 400."""
    changes: dict[str, str] = {}
    for name, value in body.items():
        allowed = _ENUMS.get(name)
        if name not in ("status", "assignedTo", "classification", "determination", "comment"):
            raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
        if name != "comment":
            changes[name] = value
    return changes, body.get("comment")


@operation("get_alert_machine", "GET", "alerts/{id}/machine", "Machine.Read.All", "Machine.ReadWrite.All")
def get_alert_machine(call: Call) -> Reply:
    """Read the machine that an alert is about."""
    record = alert_of(call)
    return entity("Machines", machine_of(call, str(record.document.get("machineId"))).record.full())
