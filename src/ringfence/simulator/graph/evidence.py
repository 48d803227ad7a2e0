"""Evidence in Graph's shapes: one type for each kind of thing (fact book, entities: graph)."""

from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.graph.spelling import shown
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Machine

_REMEDIATION = {"Blocked": "blocked", "Prevented": "prevented"}


def of_alert(record: Record, machine: Machine | None) -> list[Document]:
    """List the evidence of an alert: its device first, then each item of Defender's."""
    created = timestamps.write(record.ticks["alertCreationTime"])
    found = record.document.get("evidence")
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    device = [_device(machine, record, created)] if machine else []
    return [*device, *(_item(item, record, created) for item in items)]


def _base(kind: str, created: str, source: Document, *, roles: list[str], detailed: list[str]) -> Document:
    return {
        "@odata.type": f"#microsoft.graph.security.{kind}",
        "createdDateTime": created,
        "verdict": "unknown" if kind == "deviceEvidence" else "suspicious",
        "remediationStatus": _REMEDIATION.get(str(source.get("detectionStatus")), "none"),
        "remediationStatusDetails": None,
        "roles": roles,
        "detailedRoles": detailed,
        "tags": [],
    }


def _device(machine: Machine, record: Record, created: str) -> Document:
    source = machine.record.document
    host, _, domain = machine.name.partition(".")
    addresses = source.get("ipAddresses")
    build = source.get("osBuild")
    return _base("deviceEvidence", created, {}, roles=["compromised"], detailed=["Main device"]) | {
        "tags": _texts(source.get("machineTags")),
        "firstSeenDateTime": source.get("firstSeen"),
        "mdeDeviceId": machine.id,
        "azureAdDeviceId": source.get("aadDeviceId"),
        "deviceDnsName": machine.name,
        "hostName": host,
        "ntDomain": None,
        "dnsDomain": domain or None,
        "osPlatform": source.get("osPlatform"),
        "osBuild": build if isinstance(build, int) else None,
        "version": source.get("version"),
        "healthStatus": shown(source.get("healthStatus")),
        "riskScore": shown(source.get("riskScore"), "none"),
        "rbacGroupId": source.get("rbacGroupId"),
        "rbacGroupName": source.get("rbacGroupName"),
        "onboardingStatus": shown(source.get("onboardingStatus"), "unknownFutureValue"),
        "defenderAvStatus": shown(source.get("defenderAvStatus")),
        "lastIpAddress": source.get("lastIpAddress"),
        "lastExternalIpAddress": source.get("lastExternalIpAddress"),
        "ipInterfaces": [item["ipAddress"] for item in addresses if isinstance(item, dict) and "ipAddress" in item]
        if isinstance(addresses, list)
        else [],
        "vmMetadata": _vm(source.get("vmMetadata")),
        "loggedOnUsers": [
            {"accountName": user.get("accountName"), "domainName": user.get("domainName")}
            for user in _documents(record.document.get("loggedOnUsers"))
        ],
    }


def _vm(value: Any) -> Document | None:
    if not isinstance(value, dict):
        return None
    return {
        "vmId": value.get("vmId"),
        "cloudProvider": shown(value.get("cloudProvider")),
        "resourceId": value.get("resourceId"),
        "subscriptionId": value.get("subscriptionId"),
    }


def _item(item: Document, record: Record, created: str) -> Document:
    kind = item.get("entityType")
    machine_id = record.document.get("machineId")
    moment = item.get("evidenceCreationTime") or created
    common: Document = {"detectionStatus": shown(item.get("detectionStatus"), "detected"), "mdeDeviceId": machine_id}
    if kind == "Process":
        return _base("processEvidence", moment, item, roles=[], detailed=[]) | {
            "processId": item.get("processId"),
            "parentProcessId": item.get("parentProcessId"),
            "processCommandLine": item.get("processCommandLine"),
            "processCreationDateTime": item.get("processCreationTime"),
            "parentProcessCreationDateTime": item.get("parentProcessCreationTime"),
            **common,
            "imageFile": _file(item),
            "parentProcessImageFile": _parent(item),
            "userAccount": _account(item) if item.get("accountName") else None,
        }
    if kind == "User":
        account = {"userAccount": _account(item), "stream": None}
        return _base("userEvidence", moment, item, roles=["compromised"], detailed=[]) | account
    if kind == "Ip":
        address = {"ipAddress": item.get("ipAddress"), "countryLetterCode": None, "location": None, "stream": None}
        return _base("ipEvidence", moment, item, roles=[], detailed=[]) | address
    if kind == "Url":
        return _base("urlEvidence", moment, item, roles=[], detailed=[]) | {"url": item.get("url")}
    if kind == "Registry":
        return _registry(item, moment, machine_id)
    return _base("fileEvidence", moment, item, roles=[], detailed=[]) | common | {"fileDetails": _file(item)}


def _registry(item: Document, moment: str, machine_id: Any) -> Document:
    names = ["registryKey", "registryHive"]
    kind, device = "registryKeyEvidence", {}
    if item.get("registryValueName") or item.get("registryValue"):
        names += ["registryValue", "registryValueName", "registryValueType"]
        kind, device = "registryValueEvidence", {"mdeDeviceId": machine_id}
    return _base(kind, moment, item, roles=[], detailed=[]) | {name: item.get(name) for name in names} | device


def _file(item: Document) -> Document:
    return _details(item.get("fileName"), item.get("filePath"), item.get("sha1"), item.get("sha256"))


def _parent(item: Document) -> Document | None:
    name, path = item.get("parentProcessFileName"), item.get("parentProcessFilePath")
    return _details(name, path, None, None) if name or path else None


def _details(name: Any, path: Any, sha1: Any, sha256: Any) -> Document:
    return {
        "sha1": sha1,
        "sha256": sha256,
        "md5": None,
        "sha256Ac": None,
        "fileName": name,
        "filePath": path,
        "fileSize": None,
        "filePublisher": None,
        "signer": None,
        "issuer": None,
    }


def _account(item: Document) -> Document:
    return {
        "accountName": item.get("accountName"),
        "domainName": item.get("domainName"),
        "userSid": item.get("userSid"),
        "azureAdUserId": item.get("aadUserId"),
        "activeDirectoryObjectGuid": None,
        "userPrincipalName": item.get("userPrincipalName"),
        "displayName": None,
        "resourceAccessEvents": [],
    }


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _documents(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
