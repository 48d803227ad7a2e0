"""Alerts of Graph security, alerts_v2: the same alerts as Defender's."""

from typing import Any

from ringfence.simulator import portal, timestamps
from ringfence.simulator.filters import Schema
from ringfence.simulator.graph import documents, query
from ringfence.simulator.graph.errors import missing, wrong_body
from ringfence.simulator.graph.registry import operation, reply, wants_newer_members
from ringfence.simulator.graph.spelling import ALERT_STATUSES, CLASSIFICATIONS, DETERMINATIONS, meant
from ringfence.simulator.operations import Call, Reply
from ringfence.simulator.record import Document, Record

SCHEMA = Schema(
    "alert",
    (
        ("assignedTo", "text"),
        ("classification", "text"),
        ("determination", "text"),
        ("createdDateTime", "time"),
        ("lastUpdateDateTime", "time"),
        ("severity", "text"),
        ("serviceSource", "text"),
        ("status", "text"),
    ),
    "microsoft.graph.security",
)
PAGE = 100
"""Alerts a page without $top: Microsoft documents no number."""

_READ = ("SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All")
_WRITE = ("SecurityAlert.ReadWrite.All",)
_ENUMS = {"status": ALERT_STATUSES, "classification": CLASSIFICATIONS, "determination": DETERMINATIONS}
_COMMENT_TYPE = "microsoft.graph.security.alertcomment"


@operation("graph_list_alerts", "GET", "security/alerts_v2", *_READ)
def graph_list_alerts(call: Call) -> Reply:
    """List alerts, the most recent first."""
    options = query.parse(call.query)
    views = [documents.alert(call.tenant, record) for record in call.tenant.alert_order]
    views.sort(key=lambda view: view.ticks["createdDateTime"], reverse=True)
    size = min(call.tenant.settings.page_size, PAGE if options.top is None else query.LARGEST_TOP)
    page = query.apply(options, views, SCHEMA, size)
    call.tenant.deliver(record.key for record in page.records)
    newer = wants_newer_members(call)
    values = [documents.shown_alert(call.tenant, call.tenant.alerts[view.key], newer=newer) for view in page.records]
    return reply(call, "security/alerts_v2", query.body(call, options, page, values, "security/alerts_v2"))


def _alert_of(call: Call) -> Record:
    key = call.params["id"]
    call.entry.alert_id = key
    record = call.tenant.alerts.get(key)
    if record is None:
        raise missing(f"Alert {key}")
    return record


def _entity(call: Call, record: Record) -> Reply:
    document = documents.shown_alert(call.tenant, record, newer=wants_newer_members(call))
    return reply(call, "security/alerts_v2/$entity", document)


@operation("graph_get_alert", "GET", "security/alerts_v2/{id}", *_READ)
def graph_get_alert(call: Call) -> Reply:
    """Read one alert."""
    record = _alert_of(call)
    call.tenant.deliver([record.key])
    return _entity(call, record)


@operation("graph_update_alert", "PATCH", "security/alerts_v2/{id}", *_WRITE)
def graph_update_alert(call: Call) -> Reply:
    """Change status, classification, determination, owner or custom details."""
    record = _alert_of(call)
    changes: Document = {}
    details: Document | None = None
    for name, value in call.json_body().items():
        if name in _ENUMS:
            changes[name] = meant(value, _ENUMS[name])
        elif name == "assignedTo" and (value is None or isinstance(value, str)):
            changes[name] = value
        elif name == "customDetails" and isinstance(value, dict):
            details = value
        elif name != "@odata.type":
            raise wrong_body()
    if details is not None:
        call.tenant.notes[f"alert/{record.key}"] = details
        call.tenant.touch()
    if changes or details is not None:
        portal.change_alert(call.tenant, record, changes, call.now)
    return _entity(call, record)


def comment_of(body: dict[str, Any]) -> str:
    """Return the text of a new comment. Raises ApiError 400."""
    kind, text = body.get("@odata.type"), body.get("comment")
    if not isinstance(kind, str) or kind.lstrip("#").lower() != _COMMENT_TYPE or not isinstance(text, str):
        raise wrong_body()
    return text


@operation("graph_create_alert_comment", "POST", "security/alerts_v2/{id}/comments", *_WRITE)
def graph_create_alert_comment(call: Call) -> Reply:
    """Add a comment and list all of the alert's."""
    record = _alert_of(call)
    text = comment_of(call.json_body())
    remark = {"comment": text, "createdBy": call.app.name, "createdTime": timestamps.stamp(call.now)}
    portal.change_alert(call.tenant, record, {}, call.now, remark)
    value = documents.comments(record.document["comments"])
    return reply(call, f"security/alerts_v2('{record.key}')/comments", {"value": value})
