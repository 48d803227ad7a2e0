"""Incidents of Defender XDR."""

from typing import Any
from urllib.parse import quote

from ringfence.simulator import incidents, odata, timestamps
from ringfence.simulator.filters import Schema
from ringfence.simulator.incidents import Incident
from ringfence.simulator.operations import ApiError, Call, Reply, entity, not_found
from ringfence.simulator.record import Record, compact
from ringfence.simulator.xdr import documents
from ringfence.simulator.xdr.registry import operation

SCHEMA = Schema(
    "Incident",
    (("lastUpdateTime", "time"), ("createdTime", "time"), ("status", "text"), ("assignedTo", "text")),
    "microsoft.security.api",
)
STATUSES = ("Active", "Resolved", "InProgress", "Redirected")
CLASSIFICATIONS = ("TruePositive", "InformationalExpectedActivity", "FalsePositive")
DETERMINATIONS = (
    "MultiStagedAttack",
    "MaliciousUserActivity",
    "CompromisedAccount",
    "Malware",
    "Phishing",
    "UnwantedSoftware",
    "SecurityTesting",
    "LineOfBusinessApplication",
    "ConfirmedActivity",
    "Clean",
    "NoEnoughDataToValidate",
    "Other",
)
PAGE = 100
_ENUMS: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "classification": CLASSIFICATIONS,
    "determination": DETERMINATIONS,
}
_READ = ("Incident.Read.All", "Incident.ReadWrite.All")


@operation("list_incidents_xdr", "GET", "incidents", *_READ)
def list_incidents_xdr(call: Call) -> Reply:
    """List incidents with their alerts, the last changed first, at most 100 a page."""
    options = odata.parse(call.query)
    found = {str(incident.id): incident for incident in incidents.of_tenant(call.tenant)}
    records = [item.record(documents.head, "createdTime", "lastUpdateTime") for item in found.values()]
    size = min(PAGE, call.tenant.settings.page_size)
    page = odata.apply(options, records, SCHEMA, size)
    shown = [found[record.key] for record in page.records]
    call.tenant.deliver(alert.key for incident in shown for alert in incident.alerts)
    link = None
    if page.more:
        kept = "" if options.filter is None else f"&$filter={quote(options.filter)}"
        link = f"https://api.security.microsoft.com/api/incidents/?$skip={options.skip + size}{kept}"
    full = [Record(str(item.id), documents.incident(call.tenant, item), {}) for item in shown]
    whole = odata.Options(evidence=True, select=options.select, count=options.count)
    return odata.collection("Incidents", odata.Page(full, page.more), whole, next_link=link)


def incident_of(call: Call) -> Incident:
    """Return the incident that the path names. Raises ApiError 404."""
    found = incidents.find(call.tenant, call.params["id"])
    if found is None:
        raise not_found(f"Incident {call.params['id']}")
    return found


def _entity(call: Call) -> Reply:
    return entity("Incidents", compact(documents.incident(call.tenant, incident_of(call))))


@operation("get_incident_xdr", "GET", "incidents/{id}", *_READ)
def get_incident_xdr(call: Call) -> Reply:
    """Read one incident with its alerts."""
    call.tenant.deliver(alert.key for alert in incident_of(call).alerts)
    return _entity(call)


@operation("update_incident_xdr", "PATCH", "incidents/{id}", "Incident.ReadWrite.All")
def update_incident_xdr(call: Call) -> Reply:
    """Change status, owner, classification, determination or tags, or add a comment."""
    found = incident_of(call)
    changes, text = _changes(call.json_body())
    comment = None
    if text is not None:
        comment = {"comment": text, "createdBy": call.app.name, "createdTime": timestamps.stamp(call.now)}
    if changes or comment:
        incidents.change(call.tenant, found, changes, call.now, comment)
    return _entity(call)


def _changes(body: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    wrong = ApiError(400, "InvalidRequestBody", "Request body is incorrect")
    for name, value in body.items():
        if name == "tags":
            good = isinstance(value, list) and all(isinstance(tag, str) for tag in value)
        elif name in _ENUMS:
            good = value in _ENUMS[name]
        else:
            good = name in ("assignedTo", "comment") and isinstance(value, str)
        if not good:
            raise wrong
    return {name: value for name, value in body.items() if name != "comment"}, body.get("comment")
