"""Alerts and incidents in Graph's shape, seen over Defender's own (fact book, entities: graph)."""

import weakref
from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.graph import evidence
from ringfence.simulator.graph.spelling import NEWER_SOURCES, shown, source
from ringfence.simulator.incidents import Incident
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Tenant

_PORTAL = "https://security.microsoft.com"
_MILLISECOND = timestamps.TICKS // 1_000
_Seen = tuple[bytes, bytes, Record]
_VIEWS: "weakref.WeakKeyDictionary[Tenant, dict[str, _Seen]]" = weakref.WeakKeyDictionary()


def alert(tenant: Tenant, record: Record) -> Record:
    """Return the Graph view of an alert; it is made again once the alert or its machine changed."""
    views = _VIEWS.setdefault(tenant, {})
    machine = tenant.machines.get(str(record.document.get("machineId")))
    now = (record.full(), machine.record.full() if machine else b"")
    seen = views.get(record.key)
    if seen is None or seen[0] is not now[0] or seen[1] is not now[1]:
        view = Record(record.key, _alert(tenant, record), _ticks(record))
        seen = views[record.key] = (*now, view)
    return seen[2]


def _ticks(record: Record) -> dict[str, int]:
    return {
        "createdDateTime": record.ticks["alertCreationTime"],
        "lastUpdateDateTime": record.ticks["lastUpdateTime"],
    }


def _alert(tenant: Tenant, record: Record) -> Document:
    defender = record.document
    incident = defender.get("incidentId")
    machine = tenant.machines.get(str(defender.get("machineId")))
    techniques = defender.get("mitreTechniques")
    return {
        "@odata.type": "#microsoft.graph.security.alert",
        "id": record.key,
        "providerAlertId": record.key,
        "incidentId": None if incident is None else str(incident),
        "status": shown(defender.get("status")),
        "severity": shown(defender.get("severity")),
        "classification": shown(defender.get("classification")),
        "determination": shown(defender.get("determination")),
        "serviceSource": "microsoftDefenderForEndpoint",
        "detectionSource": source(defender.get("detectionSource")),
        "productName": "Microsoft Defender for Endpoint",
        "detectorId": defender.get("detectorId"),
        "tenantId": tenant.id,
        "title": defender.get("title"),
        "description": defender.get("description"),
        "recommendedActions": None,
        "category": defender.get("category"),
        "assignedTo": defender.get("assignedTo"),
        "alertWebUrl": f"{_PORTAL}/alerts/{record.key}?tid={tenant.id}",
        "incidentWebUrl": None if incident is None else f"{_PORTAL}/incidents/{incident}?tid={tenant.id}",
        "actorDisplayName": None,
        "threatDisplayName": defender.get("threatName"),
        "threatFamilyName": defender.get("threatFamilyName"),
        "mitreTechniques": techniques if isinstance(techniques, list) else [],
        "createdDateTime": timestamps.write(record.ticks["alertCreationTime"]),
        "lastUpdateDateTime": timestamps.write(record.ticks["lastUpdateTime"]),
        "resolvedDateTime": defender.get("resolvedTime"),
        "firstActivityDateTime": _milliseconds(defender.get("firstEventTime")),
        "lastActivityDateTime": _milliseconds(defender.get("lastEventTime")),
        "alertPolicyId": None,
        "additionalData": None,
        "comments": comments(defender.get("comments")),
        "evidence": evidence.of_alert(record, machine),
        "systemTags": [],
        "customDetails": tenant.notes.get(f"alert/{record.key}"),
    }


def _milliseconds(value: Any) -> str | None:
    """Cut a moment to the three digits that Graph shows of activity."""
    try:
        return timestamps.write(timestamps.read(value) // _MILLISECOND * _MILLISECOND)
    except (TypeError, ValueError):
        return None


def comments(value: Any) -> list[Document]:
    """Write comments; the key of the type is as the request to add one has it."""
    found = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return [
        {
            "@odata.type": "#microsoft.graph.security.alertComment",
            "comment": item.get("comment"),
            "createdByDisplayName": item.get("createdBy"),
            "createdDateTime": item.get("createdTime"),
        }
        for item in found
    ]


def incident_head(incident: Incident) -> Document:
    """Return what incidents are filtered by."""
    return {
        "assignedTo": incident.text("assignedTo"),
        "classification": shown(incident.text("classification")),
        "determination": shown(incident.text("determination")),
        "severity": shown(incident.severity),
        "status": shown(incident.status),
    }


def shown_alert(tenant: Tenant, record: Record, *, newer: bool) -> Document:
    """Return the document of an alert; without `newer` an enum member that came later is unknownFutureValue."""
    document = alert(tenant, record).document
    if newer or document["detectionSource"] not in NEWER_SOURCES:
        return document
    return {**document, "detectionSource": "unknownFutureValue"}


def incident(tenant: Tenant, found: Incident, *, alerts: bool = False, newer: bool = False) -> Document:
    """Write an incident, with its alerts if they were asked for."""
    document: Document = {
        "@odata.type": "#microsoft.graph.security.incident",
        "id": str(found.id),
        "incidentWebUrl": f"{_PORTAL}/incidents/{found.id}?tid={tenant.id}",
        "redirectIncidentId": None,
        "displayName": found.name,
        "tenantId": tenant.id,
        "createdDateTime": timestamps.write(found.created),
        "lastUpdateDateTime": timestamps.write(found.updated),
        **incident_head(found),
        "customTags": found.items("tags"),
        "comments": comments(found.items("comments")),
        "systemTags": [],
        "description": None,
        "lastModifiedBy": found.text("modifiedBy"),
        "resolvingComment": None,
        "summary": None,
    }
    if alerts:
        document["alerts"] = [shown_alert(tenant, record, newer=newer) for record in found.alerts]
    return document
