"""What an indicator may be, and how one is made or changed; shared by single submission and import."""

from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.defender import bodies
from ringfence.simulator.operations import ApiError, Call
from ringfence.simulator.record import Document
from ringfence.simulator.shelves import Item, Shelf

KEYS = (
    "id",
    "indicatorValue",
    "indicatorType",
    "action",
    "createdBy",
    "severity",
    "category",
    "application",
    "educateUrl",
    "bypassDurationHours",
    "title",
    "description",
    "recommendedActions",
    "creationTimeDateTimeUtc",
    "expirationTime",
    "lastUpdateTime",
    "lastUpdatedBy",
    "rbacGroupNames",
    "rbacGroupIds",
    "notificationId",
    "notificationBody",
    "version",
    "mitreTechniques",
    "historicalDetection",
    "lookBackPeriod",
    "generateAlert",
    "additionalInfo",
    "createdByDisplayName",
    "externalId",
    "createdBySource",
    "certificateInfo",
)
ACTIONS = ("Alert", "Warn", "Block", "Audit", "BlockAndRemediate", "AlertAndBlock", "Allowed")
SEVERITIES = ("Informational", "Low", "Medium", "High")
TYPES = ("FileSha1", "FileMd5", "CertificateThumbprint", "FileSha256", "IpAddress", "DomainName", "Url")
_HASHES = {"FileSha1": "sha1", "CertificateThumbprint": "sha1", "FileMd5": "md5", "FileSha256": "sha256"}
_CHANGEABLE = (
    "severity",
    "title",
    "description",
    "recommendedActions",
    "expirationTime",
    "rbacGroupNames",
    "educateUrl",
    "generateAlert",
)


def read(body: Document) -> Document:
    """Return the properties that a request gives to an indicator. Raises ApiError 400."""
    if body.get("indicatorValue") in (None, ""):
        raise ApiError(400, "InvalidInput", "Recieved an empty indicator value.")
    kind = bodies.choice(body, "indicatorType", TYPES)
    values: Document = {
        "indicatorValue": _value(bodies.text(body, "indicatorValue"), kind),
        "indicatorType": kind,
        "action": bodies.choice(body, "action", ACTIONS),
        "title": bodies.text(body, "title"),
        "description": bodies.text(body, "description"),
        "application": bodies.optional_text(body, "application"),
        "severity": None if body.get("severity") is None else bodies.choice(body, "severity", SEVERITIES),
        "recommendedActions": bodies.optional_text(body, "recommendedActions"),
        "rbacGroupNames": bodies.texts(body, "rbacGroupNames"),
        "educateUrl": bodies.optional_text(body, "educateUrl"),
        "generateAlert": bodies.truth(body, "generateAlert"),
    }
    expires = bodies.moment(body, "expirationTime")
    values["expirationTime"] = None if expires is None else timestamps.write(expires)
    if values["action"] == "Audit" and not values["generateAlert"]:
        raise ApiError(400, "InvalidInput", "Invalid input generateAlert: the action Audit needs generateAlert true.")
    return values


def _value(value: str, kind: str) -> str:
    """Return the value as it is kept. Raises ApiError 400; an address is a single one, never a network."""
    if kind in _HASHES:
        return bodies.hash_of(value, _HASHES[kind])
    if kind == "IpAddress":
        return bodies.address(value)
    return bodies.domain(value) if kind == "DomainName" else bodies.url(value)


def keep(call: Call, values: Document) -> Item:
    """Make an indicator, or change the active one of the same value, type and action. Raises ApiError 400."""
    shelf, moment = call.tenant.shelves["indicator"], timestamps.stamp(call.now)
    known = _same(active(shelf, call.now), values)
    if known is not None:
        known.document.update({name: values[name] for name in _CHANGEABLE})
        known.document.update({"lastUpdateTime": moment, "lastUpdatedBy": call.app.client_id})
        shelf.changed(known)
        return known
    limit = call.tenant.settings.indicator_limit
    if len(active(shelf, call.now)) >= limit:
        raise ApiError(400, "InvalidInput", f"Invalid input: the tenant has {limit} active indicators, its limit.")
    made: Document = {
        "id": str(call.tenant.next_number()),
        "createdBy": call.app.client_id,
        "category": 1,
        "creationTimeDateTimeUtc": moment,
        "lastUpdateTime": moment,
        "rbacGroupIds": [],
        "mitreTechniques": [],
        "historicalDetection": False,
        "createdByDisplayName": call.app.name,
        "createdBySource": "PublicApi",
        **values,
    }
    return shelf.put(made["id"], {name: made.get(name) for name in KEYS})


def _same(items: list[Item], values: Document) -> Item | None:
    identity = ("indicatorValue", "indicatorType", "action")
    for item in items:
        if all(item.document[name] == values[name] for name in identity):
            return item
    return None


def active(shelf: Shelf, now: float) -> list[Item]:
    """Return the indicators that have not expired; those that have are dropped at that very second."""
    present = timestamps.to_ticks(now)
    kept = []
    for item in shelf:
        if item.document["expirationTime"] is not None and item.record.ticks["expirationTime"] <= present:
            shelf.drop(item.record.key)
        else:
            kept.append(item)
    return kept


def result(indicator: Any, item: Item | None, reason: str | None) -> Document:
    """Return what an import says of one indicator."""
    return {
        "id": item.record.key if item else None,
        "indicator": indicator if isinstance(indicator, str) else "",
        "isFailed": reason is not None,
        "failureReason": reason,
    }
