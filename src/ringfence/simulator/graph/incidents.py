"""Incidents of Graph security: the same incidents as Defender XDR's."""

from ringfence.simulator import incidents, timestamps
from ringfence.simulator.filters import Schema
from ringfence.simulator.graph import documents, query
from ringfence.simulator.graph.alerts import comment_of
from ringfence.simulator.graph.errors import missing, wrong_body
from ringfence.simulator.graph.registry import operation, reply, wants_newer_members
from ringfence.simulator.graph.spelling import CLASSIFICATIONS, DETERMINATIONS, INCIDENT_STATUSES, meant
from ringfence.simulator.incidents import Incident
from ringfence.simulator.operations import Call, Reply
from ringfence.simulator.record import Document

SCHEMA = Schema(
    "incident",
    (
        ("assignedTo", "text"),
        ("classification", "text"),
        ("createdDateTime", "time"),
        ("determination", "text"),
        ("lastUpdateDateTime", "time"),
        ("severity", "text"),
        ("status", "text"),
    ),
    "microsoft.graph.security",
)
PAGE = 50
"""Incidents a page (unverified in the fact book)."""

_READ = ("SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All")
_WRITE = ("SecurityIncident.ReadWrite.All",)
_ENUMS = {"status": INCIDENT_STATUSES, "classification": CLASSIFICATIONS, "determination": DETERMINATIONS}


@operation("graph_list_incidents", "GET", "security/incidents", *_READ)
def graph_list_incidents(call: Call) -> Reply:
    """List incidents, the most recent first, with their alerts if expanded."""
    options = query.parse(call.query, "alerts")
    found = sorted(incidents.of_tenant(call.tenant), key=lambda item: item.created, reverse=True)
    by_id = {str(item.id): item for item in found}
    records = [item.record(documents.incident_head, "createdDateTime", "lastUpdateDateTime") for item in found]
    page = query.apply(options, records, SCHEMA, min(PAGE, call.tenant.settings.page_size))
    shown = [by_id[record.key] for record in page.records]
    if options.expand:
        call.tenant.deliver(alert.key for item in shown for alert in item.alerts)
    newer = wants_newer_members(call)
    values = [documents.incident(call.tenant, item, alerts=options.expand, newer=newer) for item in shown]
    return reply(call, "security/incidents", query.body(call, options, page, values, "security/incidents"))


def _incident_of(call: Call) -> Incident:
    found = incidents.find(call.tenant, call.params["id"])
    if found is None:
        raise missing(f"Incident {call.params['id']}")
    return found


def _entity(call: Call, *, alerts: bool = False) -> Reply:
    newer = wants_newer_members(call)
    document = documents.incident(call.tenant, _incident_of(call), alerts=alerts, newer=newer)
    return reply(call, "security/incidents/$entity", document)


@operation("graph_get_incident", "GET", "security/incidents/{id}", *_READ)
def graph_get_incident(call: Call) -> Reply:
    """Read one incident, with its alerts if expanded."""
    return _entity(call, alerts=query.parse(call.query, "alerts").expand)


@operation("graph_update_incident", "PATCH", "security/incidents/{id}", *_WRITE)
def graph_update_incident(call: Call) -> Reply:
    """Change status, classification, determination, owner or tags; enum values may be in either case."""
    found = _incident_of(call)
    changes: Document = {}
    for name, value in call.json_body().items():
        if name in _ENUMS:
            changes[name] = meant(value, _ENUMS[name])
        elif name == "assignedTo" and (value is None or isinstance(value, str)):
            changes[name] = value
        elif name == "customTags" and isinstance(value, list) and all(isinstance(tag, str) for tag in value):
            changes["tags"] = value
        elif name != "@odata.type":
            raise wrong_body()
    if changes:
        changes["modifiedBy"] = f"API-App:{call.app.name}"
        incidents.change(call.tenant, found, changes, call.now)
    return _entity(call)


@operation("graph_create_incident_comment", "POST", "security/incidents/{id}/comments", *_WRITE)
def graph_create_incident_comment(call: Call) -> Reply:
    """Add a comment and list all of the incident's."""
    found = _incident_of(call)
    text = comment_of(call.json_body())
    remark = {"comment": text, "createdBy": call.app.name, "createdTime": timestamps.stamp(call.now)}
    incidents.change(call.tenant, found, {}, call.now, remark)
    value = documents.comments(_incident_of(call).items("comments"))
    return reply(call, f"security/incidents('{found.id}')/comments", {"value": value})
