"""The tables that can be hunted in: documented columns, filled from the simulated tenant."""

from collections.abc import Iterator

from ringfence.simulator import ids
from ringfence.simulator.hunting import events
from ringfence.simulator.hunting.columns import Row, Table, columns, items, number, report_id, text
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Machine, Tenant

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


def _device_info(tenant: Tenant) -> Iterator[Row]:
    for machine in tenant.machines.values():
        source = machine.record.document
        users = [{"UserName": user, "DomainName": tenant.name.upper()} for user in machine.users]
        yield {
            "Timestamp": machine.record.ticks["lastSeen"],
            "DeviceId": machine.id,
            "DeviceName": machine.name,
            "ClientVersion": text(source.get("agentVersion")),
            "PublicIP": text(source.get("lastExternalIpAddress")),
            "OSArchitecture": text(source.get("osArchitecture")),
            "OSPlatform": text(source.get("osPlatform")),
            "OSBuild": number(source.get("osBuild")),
            "IsAzureADJoined": int(bool(source.get("isAadJoined"))),
            "AadDeviceId": text(source.get("aadDeviceId")),
            "LoggedOnUsers": text(users),
            "MachineGroup": text(source.get("rbacGroupName")),
            "OSVersion": text(source.get("osVersion") or source.get("version")),
            "OnboardingStatus": text(source.get("onboardingStatus")),
            "DeviceManualTags": text(source.get("machineTags")),
            "ExposureLevel": text(source.get("exposureLevel")),
            "AssetValue": text(source.get("deviceValue")),
            "SensorHealthState": text(source.get("healthStatus")),
            "IsExcluded": int(bool(source.get("isExcluded"))),
            "MergedToDeviceId": text(source.get("mergedIntoMachineId")),
            "ReportId": report_id("info", machine.id, source.get("lastSeen")),
        }


def _device_network_info(tenant: Tenant) -> Iterator[Row]:
    for machine in tenant.machines.values():
        adapters: dict[str, list[Document]] = {}
        for item in items(machine.record.document.get("ipAddresses")):
            if item.get("type") != "SoftwareLoopback":
                adapters.setdefault(text(item.get("macAddress")), []).append(item)
        for address, found in adapters.items():
            yield {
                "Timestamp": machine.record.ticks["lastSeen"],
                "DeviceId": machine.id,
                "DeviceName": machine.name,
                "NetworkAdapterName": "{" + ids.guid("adapter", machine.id, address).upper() + "}",
                "MacAddress": address,
                "NetworkAdapterType": text(found[0].get("type")),
                "NetworkAdapterStatus": text(found[0].get("operationalStatus")),
                "IPAddresses": text([{"IPAddress": item.get("ipAddress")} for item in found]),
                "ReportId": report_id("network", machine.id, address),
            }


def _alert_info(tenant: Tenant) -> Iterator[Row]:
    for record in tenant.alert_order:
        source = record.document
        yield {
            "Timestamp": record.ticks["alertCreationTime"],
            "AlertId": record.key,
            "Title": text(source.get("title")),
            "Category": text(source.get("category")),
            "Severity": text(source.get("severity")),
            "ServiceSource": _SERVICE,
            "DetectionSource": _source(source),
            "AttackTechniques": text(source.get("mitreTechniques")),
        }


def _source(source: Document) -> str:
    return _SOURCES.get(text(source.get("detectionSource")), text(source.get("detectionSource")))


def _alert_evidence(tenant: Tenant) -> Iterator[Row]:
    for record in tenant.alert_order:
        source = record.document
        machine = tenant.machines.get(text(source.get("machineId")))
        shared: Row = {
            "Timestamp": record.ticks["alertCreationTime"],
            "AlertId": record.key,
            "Title": text(source.get("title")),
            "Categories": text([source.get("category")]),
            "AttackTechniques": text(source.get("mitreTechniques")),
            "ServiceSource": _SERVICE,
            "DetectionSource": _source(source),
            "ThreatFamily": text(source.get("threatFamilyName")),
            "Severity": text(source.get("severity")),
        }
        yield _evidence(shared, {"entityType": "Machine"}, machine, role="Impacted")
        for item in items(source.get("evidence")):
            yield _evidence(shared, item, machine, role="Related")


def _evidence(shared: Row, item: Document, machine: Machine | None, *, role: str) -> Row:
    kind = text(item.get("entityType"))
    on_machine = machine is not None and kind in ("Machine", "File", "Process", "Registry")
    return shared | {
        "EntityType": _ENTITY_TYPES.get(kind, kind),
        "EvidenceRole": role,
        "FileName": text(item.get("fileName")),
        "FolderPath": text(item.get("filePath")),
        "SHA1": text(item.get("sha1")),
        "SHA256": text(item.get("sha256")),
        "RemoteIP": text(item.get("ipAddress")),
        "RemoteUrl": text(item.get("url")),
        "AccountName": text(item.get("accountName")),
        "AccountDomain": text(item.get("domainName")),
        "AccountSid": text(item.get("userSid")),
        "AccountObjectId": text(item.get("aadUserId")),
        "AccountUpn": text(item.get("userPrincipalName")),
        "DeviceId": machine.id if machine and on_machine else "",
        "DeviceName": machine.name if machine and on_machine else "",
        "ProcessCommandLine": text(item.get("processCommandLine")),
        "RegistryKey": text(item.get("registryKey")),
        "RegistryValueName": text(item.get("registryValueName")),
        "RegistryValueData": text(item.get("registryValue")),
    }


TABLES = {
    table.name: table
    for table in (
        Table(
            "DeviceInfo",
            columns(
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
            columns(
                "Timestamp DeviceId DeviceName NetworkAdapterName MacAddress NetworkAdapterType NetworkAdapterStatus "
                "IPAddresses ReportId"
            ),
            _device_network_info,
        ),
        Table(
            "AlertInfo",
            columns("Timestamp AlertId Title Category Severity ServiceSource DetectionSource AttackTechniques"),
            _alert_info,
        ),
        Table(
            "AlertEvidence",
            columns(
                "Timestamp AlertId Title Categories AttackTechniques ServiceSource DetectionSource EntityType "
                "EvidenceRole FileName FolderPath SHA1 SHA256 ThreatFamily RemoteIP RemoteUrl AccountName "
                "AccountDomain AccountSid AccountObjectId AccountUpn DeviceId DeviceName ProcessCommandLine "
                "RegistryKey RegistryValueName RegistryValueData Severity"
            ),
            _alert_evidence,
        ),
        *events.TABLES,
    )
}
