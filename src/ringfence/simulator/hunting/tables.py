"""The tables that can be hunted in: documented columns, filled from the simulated tenant."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ringfence.simulator import ids, telemetry
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Machine, Tenant

ColumnType = Literal["DateTime", "String", "Int64", "SByte"]
Value = str | int | None
Row = dict[str, Value]
"""A row by its columns: moments are ticks, lists are JSON texts, a text is never null."""


@dataclass(frozen=True)
class Table:
    """A table: its columns in order, and what fills it."""

    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    rows: Callable[[Tenant], Iterator[Row]]


_SERVICE = "Microsoft Defender for Endpoint"
_SOURCES = {
    "WindowsDefenderAtp": "EDR",
    "WindowsDefenderAv": "Antivirus",
    "CustomerTI": "Custom TI",
    "CustomDetection": "Custom detection",
    "WindowsDefenderSmartScreen": "SmartScreen",
    "AutomatedInvestigation": "Automated investigation",
}
_ENTITY_TYPES = {"Registry": "RegistryKey"}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _items(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _report_id(*parts: object) -> int:
    return ids.number(1, 2**31 - 1, "report", *parts)


def _device_info(tenant: Tenant) -> Iterator[Row]:
    for machine in tenant.machines.values():
        source = machine.record.document
        users = [{"UserName": user, "DomainName": tenant.name.upper()} for user in machine.users]
        yield {
            "Timestamp": machine.record.ticks["lastSeen"],
            "DeviceId": machine.id,
            "DeviceName": machine.name,
            "ClientVersion": _text(source.get("agentVersion")),
            "PublicIP": _text(source.get("lastExternalIpAddress")),
            "OSArchitecture": _text(source.get("osArchitecture")),
            "OSPlatform": _text(source.get("osPlatform")),
            "OSBuild": _number(source.get("osBuild")),
            "IsAzureADJoined": int(bool(source.get("isAadJoined"))),
            "AadDeviceId": _text(source.get("aadDeviceId")),
            "LoggedOnUsers": _text(users),
            "MachineGroup": _text(source.get("rbacGroupName")),
            "OSVersion": _text(source.get("osVersion") or source.get("version")),
            "OnboardingStatus": _text(source.get("onboardingStatus")),
            "DeviceManualTags": _text(source.get("machineTags")),
            "ExposureLevel": _text(source.get("exposureLevel")),
            "AssetValue": _text(source.get("deviceValue")),
            "SensorHealthState": _text(source.get("healthStatus")),
            "IsExcluded": int(bool(source.get("isExcluded"))),
            "MergedToDeviceId": _text(source.get("mergedIntoMachineId")),
            "ReportId": _report_id("info", machine.id, source.get("lastSeen")),
        }


def _device_network_info(tenant: Tenant) -> Iterator[Row]:
    for machine in tenant.machines.values():
        adapters: dict[str, list[Document]] = {}
        for item in _items(machine.record.document.get("ipAddresses")):
            if item.get("type") != "SoftwareLoopback":
                adapters.setdefault(_text(item.get("macAddress")), []).append(item)
        for address, items in adapters.items():
            yield {
                "Timestamp": machine.record.ticks["lastSeen"],
                "DeviceId": machine.id,
                "DeviceName": machine.name,
                "NetworkAdapterName": "{" + ids.guid("adapter", machine.id, address).upper() + "}",
                "MacAddress": address,
                "NetworkAdapterType": _text(items[0].get("type")),
                "NetworkAdapterStatus": _text(items[0].get("operationalStatus")),
                "IPAddresses": _text([{"IPAddress": item.get("ipAddress")} for item in items]),
                "ReportId": _report_id("network", machine.id, address),
            }


def _alert_info(tenant: Tenant) -> Iterator[Row]:
    for record in tenant.alert_order:
        source = record.document
        yield {
            "Timestamp": record.ticks["alertCreationTime"],
            "AlertId": record.key,
            "Title": _text(source.get("title")),
            "Category": _text(source.get("category")),
            "Severity": _text(source.get("severity")),
            "ServiceSource": _SERVICE,
            "DetectionSource": _source(source),
            "AttackTechniques": _text(source.get("mitreTechniques")),
        }


def _source(source: Document) -> str:
    return _SOURCES.get(_text(source.get("detectionSource")), _text(source.get("detectionSource")))


def _alert_evidence(tenant: Tenant) -> Iterator[Row]:
    for record in tenant.alert_order:
        source = record.document
        machine = tenant.machines.get(_text(source.get("machineId")))
        shared: Row = {
            "Timestamp": record.ticks["alertCreationTime"],
            "AlertId": record.key,
            "Title": _text(source.get("title")),
            "Categories": _text([source.get("category")]),
            "AttackTechniques": _text(source.get("mitreTechniques")),
            "ServiceSource": _SERVICE,
            "DetectionSource": _source(source),
            "ThreatFamily": _text(source.get("threatFamilyName")),
            "Severity": _text(source.get("severity")),
        }
        yield _evidence(shared, {"entityType": "Machine"}, machine, role="Impacted")
        for item in _items(source.get("evidence")):
            yield _evidence(shared, item, machine, role="Related")


def _evidence(shared: Row, item: Document, machine: Machine | None, *, role: str) -> Row:
    kind = _text(item.get("entityType"))
    on_machine = machine is not None and kind in ("Machine", "File", "Process", "Registry")
    return shared | {
        "EntityType": _ENTITY_TYPES.get(kind, kind),
        "EvidenceRole": role,
        "FileName": _text(item.get("fileName")),
        "FolderPath": _text(item.get("filePath")),
        "SHA1": _text(item.get("sha1")),
        "SHA256": _text(item.get("sha256")),
        "RemoteIP": _text(item.get("ipAddress")),
        "RemoteUrl": _text(item.get("url")),
        "AccountName": _text(item.get("accountName")),
        "AccountDomain": _text(item.get("domainName")),
        "AccountSid": _text(item.get("userSid")),
        "AccountObjectId": _text(item.get("aadUserId")),
        "AccountUpn": _text(item.get("userPrincipalName")),
        "DeviceId": machine.id if machine and on_machine else "",
        "DeviceName": machine.name if machine and on_machine else "",
        "ProcessCommandLine": _text(item.get("processCommandLine")),
        "RegistryKey": _text(item.get("registryKey")),
        "RegistryValueName": _text(item.get("registryValueName")),
        "RegistryValueData": _text(item.get("registryValue")),
    }


def _events(tenant: Tenant, kind: str) -> Iterator[tuple[Row, Document]]:
    for event in telemetry.events(tenant):
        machine = tenant.machines.get(event.machine_id)
        item = event.evidence
        if machine is not None and item.get("entityType") == kind:
            yield (
                {
                    "Timestamp": event.ticks,
                    "DeviceId": machine.id,
                    "DeviceName": machine.name,
                    "ActionType": f"{kind}Created",
                    "FileName": _text(item.get("fileName")),
                    "FolderPath": _text(item.get("filePath")),
                    "SHA1": _text(item.get("sha1")),
                    "SHA256": _text(item.get("sha256")),
                    "ReportId": event.report_id,
                },
                item,
            )


def _process_events(tenant: Tenant) -> Iterator[Row]:
    for row, item in _events(tenant, "Process"):
        yield row | {
            "ProcessId": _number(item.get("processId")),
            "ProcessCommandLine": _text(item.get("processCommandLine")),
            "AccountDomain": _text(item.get("domainName")),
            "AccountName": _text(item.get("accountName")),
            "AccountSid": _text(item.get("userSid")),
            "AccountUpn": _text(item.get("userPrincipalName")),
            "InitiatingProcessFileName": _text(item.get("parentProcessFileName")),
            "InitiatingProcessFolderPath": _text(item.get("parentProcessFilePath")),
            "InitiatingProcessId": _number(item.get("parentProcessId")),
        }


def _file_events(tenant: Tenant) -> Iterator[Row]:
    return (row for row, _ in _events(tenant, "File"))


def _columns(text: str, **types: ColumnType) -> tuple[tuple[str, ColumnType], ...]:
    known: dict[str, ColumnType] = {"Timestamp": "DateTime", "ReportId": "Int64", **types}
    return tuple((name, known.get(name, "String")) for name in text.split())


TABLES = {
    table.name: table
    for table in (
        Table(
            "DeviceInfo",
            _columns(
                "Timestamp DeviceId DeviceName ClientVersion PublicIP OSArchitecture OSPlatform OSBuild "
                "IsAzureADJoined AadDeviceId LoggedOnUsers MachineGroup OSVersion OnboardingStatus DeviceManualTags "
                "ExposureLevel AssetValue SensorHealthState IsExcluded MergedToDeviceId ReportId",
                OSBuild="Int64",
                IsAzureADJoined="SByte",
                IsExcluded="SByte",
            ),
            _device_info,
        ),
        Table(
            "DeviceNetworkInfo",
            _columns(
                "Timestamp DeviceId DeviceName NetworkAdapterName MacAddress NetworkAdapterType NetworkAdapterStatus "
                "IPAddresses ReportId"
            ),
            _device_network_info,
        ),
        Table(
            "DeviceProcessEvents",
            _columns(
                "Timestamp DeviceId DeviceName ActionType FileName FolderPath SHA1 SHA256 ProcessId ProcessCommandLine "
                "AccountDomain AccountName AccountSid AccountUpn InitiatingProcessFileName "
                "InitiatingProcessFolderPath InitiatingProcessId ReportId",
                ProcessId="Int64",
                InitiatingProcessId="Int64",
            ),
            _process_events,
        ),
        Table(
            "DeviceFileEvents",
            _columns("Timestamp DeviceId DeviceName ActionType FileName FolderPath SHA1 SHA256 ReportId"),
            _file_events,
        ),
        Table(
            "AlertInfo",
            _columns("Timestamp AlertId Title Category Severity ServiceSource DetectionSource AttackTechniques"),
            _alert_info,
        ),
        Table(
            "AlertEvidence",
            _columns(
                "Timestamp AlertId Title Categories AttackTechniques ServiceSource DetectionSource EntityType "
                "EvidenceRole FileName FolderPath SHA1 SHA256 ThreatFamily RemoteIP RemoteUrl AccountName "
                "AccountDomain AccountSid AccountObjectId AccountUpn DeviceId DeviceName ProcessCommandLine "
                "RegistryKey RegistryValueName RegistryValueData Severity"
            ),
            _alert_evidence,
        ),
    )
}
