"""Incidents and their alerts in the shape of Defender XDR (fact book, entities: xdr)."""

from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.incidents import Incident
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Machine, Tenant

ENTITY_KEYS = (
    "entityType",
    "evidenceCreationTime",
    "sha1",
    "sha256",
    "fileName",
    "filePath",
    "processId",
    "processCommandLine",
    "processCreationTime",
    "parentProcessId",
    "parentProcessCreationTime",
    "parentProcessFileName",
    "parentProcessFilePath",
    "ipAddress",
    "url",
    "registryKey",
    "registryHive",
    "registryValueType",
    "registryValue",
    "registryValueName",
    "accountName",
    "domainName",
    "userSid",
    "aadUserId",
    "userPrincipalName",
)
_DEVICE_KEYS = (
    "osPlatform",
    "version",
    "osProcessor",
    "osBuild",
    "healthStatus",
    "riskScore",
    "rbacGroupName",
    "firstSeen",
)
_REMEDIATION = {"Blocked": "Remediated", "Prevented": "Remediated"}


def head(incident: Incident) -> Document:
    """Return what incidents are filtered by."""
    return {"status": incident.status, "assignedTo": incident.text("assignedTo")}


def incident(tenant: Tenant, found: Incident) -> Document:
    """Write an incident with its alerts."""
    return {
        "incidentId": found.id,
        "incidentUri": f"https://security.microsoft.com/incidents/{found.id}?tid={tenant.id}",
        "redirectIncidentId": None,
        "incidentName": found.name,
        "createdTime": timestamps.write(found.created),
        "lastUpdateTime": timestamps.write(found.updated),
        "assignedTo": found.text("assignedTo"),
        "classification": found.text("classification") or "Unknown",
        "determination": found.text("determination") or "NotAvailable",
        "status": found.status,
        "severity": found.severity,
        "tags": found.items("tags"),
        "comments": found.items("comments"),
        "alerts": [alert(tenant, record, found.id) for record in found.alerts],
    }


def alert(tenant: Tenant, record: Record, incident_id: int) -> Document:
    """Write an alert as incidents carry it."""
    source = record.document
    machine = tenant.machines.get(str(source.get("machineId")))
    return {
        "alertId": record.key,
        "providerAlertId": record.key,
        "serviceSource": "MicrosoftDefenderForEndpoint",
        "title": str(source.get("title") or ""),
        "description": source.get("description"),
        "category": source.get("category"),
        "status": str(source.get("status") or "New"),
        "severity": str(source.get("severity") or "UnSpecified"),
        "investigationId": source.get("investigationId"),
        "investigationState": source.get("investigationState"),
        "classification": source.get("classification"),
        "determination": source.get("determination"),
        "detectionSource": source.get("detectionSource"),
        "detectorId": source.get("detectorId"),
        "assignedTo": source.get("assignedTo"),
        "actorName": None,
        "threatFamilyName": source.get("threatFamilyName"),
        "mitreTechniques": items(source.get("mitreTechniques")),
        "creationTime": timestamps.write(record.ticks["alertCreationTime"]),
        "lastUpdatedTime": timestamps.write(record.ticks["lastUpdateTime"]),
        "resolvedTime": source.get("resolvedTime"),
        "firstActivity": source.get("firstEventTime"),
        "lastActivity": source.get("lastEventTime"),
        "incidentId": incident_id,
        "devices": [_device(machine, items(source.get("loggedOnUsers")))] if machine else [],
        "entities": [_entity(item, source.get("machineId")) for item in items(source.get("evidence"))],
    }


def items(value: Any) -> list[Any]:
    """Return a list as it is and anything else as none: alerts may be injected in odd shapes."""
    return value if isinstance(value, list) else []


def _device(machine: Machine, users: list[Any]) -> Document:
    source = machine.record.document
    return {
        "mdatpDeviceId": machine.id,
        "aadDeviceId": source.get("aadDeviceId"),
        "deviceDnsName": machine.name,
        **{key: source.get(key) for key in _DEVICE_KEYS},
        "tags": items(source.get("machineTags")),
        "defenderAvStatus": source.get("defenderAvStatus"),
        "onboardingStatus": source.get("onboardingStatus"),
        "vmMetadata": source.get("vmMetadata"),
        "loggedOnUsers": users,
    }


def _entity(item: Any, machine_id: Any) -> Document:
    """Write an entity: keys without a value are left out, other than in Defender's own evidence."""
    source: Document = item if isinstance(item, dict) else {}
    values = {key: source.get(key) for key in ENTITY_KEYS} | {
        "deviceId": machine_id if source.get("entityType") in ("File", "Process") else None,
        "detectionStatus": source.get("detectionStatus"),
        "verdict": "Suspicious",
        "remediationStatus": _REMEDIATION.get(str(source.get("detectionStatus")), "None"),
    }
    return {key: value for key, value in values.items() if value is not None}
