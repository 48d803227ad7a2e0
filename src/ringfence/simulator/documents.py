"""The documents that Microsoft sends, in its key order, with null where it sends null (fact book, entities)."""

from typing import Any

from ringfence.simulator import ids, timestamps
from ringfence.simulator.record import Document, Record

ALERT_KEYS = (
    "id",
    "incidentId",
    "investigationId",
    "assignedTo",
    "severity",
    "status",
    "classification",
    "determination",
    "investigationState",
    "detectionSource",
    "detectorId",
    "category",
    "threatFamilyName",
    "title",
    "description",
    "alertCreationTime",
    "firstEventTime",
    "lastEventTime",
    "lastUpdateTime",
    "resolvedTime",
    "machineId",
    "computerDnsName",
    "rbacGroupName",
    "aadTenantId",
    "threatName",
    "mitreTechniques",
    "relatedUser",
    "loggedOnUsers",
    "comments",
    "evidence",
    "domains",
)
EVIDENCE_KEYS = (
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
    "detectionStatus",
)
MACHINE_KEYS = (
    "id",
    "mergedIntoMachineId",
    "isPotentialDuplication",
    "isExcluded",
    "exclusionReason",
    "computerDnsName",
    "firstSeen",
    "lastSeen",
    "osPlatform",
    "osVersion",
    "osProcessor",
    "version",
    "lastIpAddress",
    "lastExternalIpAddress",
    "agentVersion",
    "osBuild",
    "healthStatus",
    "deviceValue",
    "rbacGroupId",
    "rbacGroupName",
    "riskScore",
    "exposureLevel",
    "isAadJoined",
    "aadDeviceId",
    "machineTags",
    "defenderAvStatus",
    "onboardingStatus",
    "osArchitecture",
    "managedBy",
    "managedByStatus",
    "ipAddresses",
    "vmMetadata",
)
ACTION_KEYS = (
    "id",
    "type",
    "title",
    "requestor",
    "requestorComment",
    "status",
    "machineId",
    "computerDnsName",
    "creationDateTimeUtc",
    "lastUpdateDateTimeUtc",
    "cancellationRequestor",
    "cancellationComment",
    "cancellationDateTimeUtc",
    "errorHResult",
    "scope",
    "externalId",
    "requestSource",
    "relatedFileInfo",
    "commands",
    "troubleshootInfo",
)
USER_KEYS = (
    "id",
    "accountName",
    "accountDomain",
    "accountSid",
    "firstSeen",
    "lastSeen",
    "mostPrevalentMachineId",
    "leastPrevalentMachineId",
    "logonTypes",
    "logOnMachinesCount",
    "isDomainAdmin",
    "isOnlyNetworkUser",
)

ALERT_MOMENTS = ("alertCreationTime", "lastUpdateTime", "lastEventTime")

_PLATFORMS: dict[str, tuple[str, str, int, str]] = {
    "Windows10": ("22H2", "10.8760.19041.5438", 19045, "64-bit"),
    "Windows11": ("24H2", "10.8795.26100.2314", 26100, "64-bit"),
    "WindowsServer2019": ("1809", "10.8760.17763.6532", 17763, "64-bit"),
    "WindowsServer2022": ("21H2", "10.8760.20348.2849", 20348, "64-bit"),
    "Ubuntu": ("22.4", "30.124112.0.0", 0, "64-bit"),
}
PLATFORMS = tuple(_PLATFORMS)


def _ordered(keys: tuple[str, ...], values: Document) -> Document:
    return {key: values.get(key) for key in keys} | {key: value for key, value in values.items() if key not in keys}


def alert(values: Document, now: float) -> Record:
    """Build an alert from its values; a moment that cannot be read counts as now, so that odd alerts are delivered."""
    document = _ordered(ALERT_KEYS, values)
    for key in ("mitreTechniques", "loggedOnUsers", "comments", "evidence", "domains"):
        document[key] = document[key] or []
    return Record(document["id"], document, alert_ticks(document, now))


def alert_ticks(document: Document, now: float) -> dict[str, int]:
    """Return the moments by which alerts are filtered."""
    ticks = {}
    for key in ALERT_MOMENTS:
        value = document.get(key)
        try:
            ticks[key] = timestamps.read(value) if isinstance(value, str) else timestamps.to_ticks(now)
        except ValueError:
            ticks[key] = timestamps.to_ticks(now)
    return ticks


def evidence(values: Document) -> Document:
    """Build an evidence item: every key present, unused ones null."""
    return _ordered(EVIDENCE_KEYS, values)


def user(values: Document) -> Document:
    """Build a user."""
    return _ordered(USER_KEYS, values)


def action(values: Document) -> Document:
    """Build a machine action that has just been asked for."""
    defaults: Document = {"status": "Pending", "errorHResult": 0, "requestSource": "PublicApi", "commands": []}
    return _ordered(ACTION_KEYS, defaults | values)


def machine(name: str, index: int, seed: tuple[object, ...], now: float, values: dict[str, Any]) -> Document:
    """Build a machine: defaults follow from its name, its place in the fleet and the seed; `values` win."""
    platform = values.get("osPlatform", "Windows11")
    version, agent, build, architecture = _PLATFORMS.get(platform, ("Other", "1.0", 0, "64-bit"))
    address = f"10.20.{index // 250}.{index % 250 + 4}"
    mac = "02" + ids.hex40("mac", *seed, name)[:10].upper()
    defaults: Document = {
        "id": ids.hex40("machine", *seed, name),
        "isPotentialDuplication": False,
        "isExcluded": False,
        "computerDnsName": name,
        "firstSeen": timestamps.write(timestamps.to_ticks(now - 86_400 * 200 - index * 3_701) + 9_876_543),
        "lastSeen": timestamps.stamp(now - ids.number(60, 1_800, "seen", *seed, name)),
        "osPlatform": platform,
        "osProcessor": "x64",
        "version": version,
        "lastIpAddress": address,
        "lastExternalIpAddress": "203.0.113.11",
        "agentVersion": agent,
        "osBuild": build,
        "healthStatus": "Active",
        "deviceValue": "Normal",
        "rbacGroupId": 0,
        "riskScore": "None",
        "exposureLevel": "Low",
        "isAadJoined": True,
        "aadDeviceId": ids.guid("device", *seed, name),
        "machineTags": [],
        "defenderAvStatus": "Updated",
        "onboardingStatus": "Onboarded",
        "osArchitecture": architecture,
        "managedBy": "Intune",
        "managedByStatus": "Unknown",
        "ipAddresses": [
            {"ipAddress": address, "macAddress": mac, "type": "Ethernet", "operationalStatus": "Up"},
            {
                "ipAddress": f"fe80::{ids.hex40('link', *seed, name)[:4]}",
                "macAddress": mac,
                "type": "Ethernet",
                "operationalStatus": "Up",
            },
            {"ipAddress": "127.0.0.1", "macAddress": None, "type": "SoftwareLoopback", "operationalStatus": "Up"},
            {"ipAddress": "::1", "macAddress": None, "type": "SoftwareLoopback", "operationalStatus": "Up"},
        ],
    }
    document = _ordered(MACHINE_KEYS, defaults | values)
    if "lastIpAddress" in values and "ipAddresses" not in values:
        document["ipAddresses"][0]["ipAddress"] = values["lastIpAddress"]
    return document
