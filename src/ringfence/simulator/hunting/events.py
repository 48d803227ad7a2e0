"""The event tables: what the simulated machines reported. A table of which nothing is known is there, and empty."""

from collections.abc import Callable, Iterator

from ringfence.simulator import sightings, telemetry
from ringfence.simulator.hunting.columns import ColumnType, Row, Table, columns, number, report_id, text
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Tenant

_COMMON = "Timestamp DeviceId DeviceName ActionType"
_INITIATING = "InitiatingProcessFileName InitiatingProcessFolderPath InitiatingProcessId"
_PARENT = "InitiatingProcessParentFileName InitiatingProcessParentId"
_NUMBERS = ("ProcessId", "InitiatingProcessId", "InitiatingProcessParentId", "FileSize", "RemotePort", "LocalPort")


def _found(tenant: Tenant, *kinds: str) -> Iterator[tuple[telemetry.Event, Row, Document]]:
    for event in telemetry.events(tenant):
        machine = tenant.machines.get(event.machine_id)
        if machine is not None and event.evidence.get("entityType") in kinds:
            head: Row = {"Timestamp": event.ticks, "DeviceId": machine.id, "DeviceName": machine.name}
            yield event, head, event.evidence


def _initiating(item: Document) -> Row:
    """Return what is known of who did it; of a process that is its parent, of the parent's parent nothing."""
    return {
        "InitiatingProcessFileName": text(item.get("parentProcessFileName")),
        "InitiatingProcessFolderPath": text(item.get("parentProcessFilePath")),
        "InitiatingProcessId": number(item.get("parentProcessId")),
        "InitiatingProcessParentFileName": "",
        "InitiatingProcessParentId": None,
    }


def _file(item: Document) -> Row:
    return {
        "FileName": text(item.get("fileName")),
        "FolderPath": text(item.get("filePath")),
        "SHA1": text(item.get("sha1")),
        "SHA256": text(item.get("sha256")),
    }


def _process_events(tenant: Tenant) -> Iterator[Row]:
    for event, head, item in _found(tenant, "Process"):
        yield {
            **head,
            "ActionType": "ProcessCreated",
            **_file(item),
            "ProcessId": number(item.get("processId")),
            "ProcessCommandLine": text(item.get("processCommandLine")),
            "AccountDomain": text(item.get("domainName")),
            "AccountName": text(item.get("accountName")),
            "AccountSid": text(item.get("userSid")),
            "AccountUpn": text(item.get("userPrincipalName")),
            **_initiating(item),
            "ReportId": event.report_id,
        }


def _file_events(tenant: Tenant) -> Iterator[Row]:
    for event, head, item in _found(tenant, "File"):
        yield {
            **head,
            "ActionType": "FileCreated",
            **_file(item),
            "PreviousFolderPath": "",
            "FileSize": None,
            **_initiating(item),
            "ReportId": event.report_id,
        }


def _network_events(tenant: Tenant) -> Iterator[Row]:
    for event, head, item in _found(tenant, "Url", "Ip"):
        yield {
            **head,
            "ActionType": "ConnectionSuccess",
            "RemoteIP": text(item.get("ipAddress")),
            "RemotePort": None,
            "RemoteUrl": text(sightings.host_of(item)),
            "LocalPort": None,
            "Protocol": "Tcp",
            **_initiating(item),
            "ReportId": event.report_id,
        }


def _registry_events(tenant: Tenant) -> Iterator[Row]:
    for event, head, item in _found(tenant, "Registry"):
        yield {
            **head,
            "ActionType": "RegistryValueSet",
            "RegistryKey": text(item.get("registryKey")),
            "RegistryValueName": text(item.get("registryValueName")),
            "RegistryValueData": text(item.get("registryValue")),
            "PreviousRegistryValueData": "",
            **_initiating(item),
            "ReportId": event.report_id,
        }


def _antivirus_events(tenant: Tenant) -> Iterator[Row]:
    """Give what Defender itself did: a detection for each file of an alert that its antivirus raised."""
    for event, head, item in _found(tenant, "File"):
        if event.alert.document.get("detectionSource") == "WindowsDefenderAv":
            yield {
                **head,
                "ActionType": "AntivirusDetection",
                **_file(item),
                "RemoteIP": "",
                "RemoteUrl": "",
                "AdditionalFields": text({"ThreatName": event.alert.document.get("threatName")}),
                **_initiating(item),
                "ReportId": report_id("antivirus", event.alert.key, event.report_id),
            }


def _logon_events(tenant: Tenant) -> Iterator[Row]:
    """Give one logon for each user of a machine, at the moment at which the machine was last heard of."""
    for machine in tenant.machines.values():
        for user in machine.users:
            yield {
                "Timestamp": machine.record.ticks["lastSeen"],
                "DeviceId": machine.id,
                "DeviceName": machine.name,
                "ActionType": "LogonSuccess",
                "AccountDomain": tenant.name.upper(),
                "AccountName": user,
                "LogonType": "Interactive",
                "RemoteIP": "",
                **_initiating({}),
                "ReportId": report_id("logon", machine.id, user),
            }


def _nothing(_: Tenant) -> Iterator[Row]:
    return iter(())


def _table(name: str, own: str, fill: Callable[[Tenant], Iterator[Row]]) -> Table:
    types: dict[str, ColumnType] = dict.fromkeys(_NUMBERS, "Int64")
    return Table(name, columns(f"{_COMMON} {own} {_INITIATING} {_PARENT} ReportId", **types), fill)


_FILE = "FileName FolderPath SHA1 SHA256"
TABLES = (
    _table(
        "DeviceProcessEvents",
        f"{_FILE} ProcessId ProcessCommandLine AccountDomain AccountName AccountSid AccountUpn",
        _process_events,
    ),
    _table("DeviceFileEvents", f"{_FILE} PreviousFolderPath FileSize", _file_events),
    _table("DeviceNetworkEvents", "RemoteIP RemotePort RemoteUrl LocalPort Protocol", _network_events),
    _table(
        "DeviceRegistryEvents",
        "RegistryKey RegistryValueName RegistryValueData PreviousRegistryValueData",
        _registry_events,
    ),
    _table("DeviceImageLoadEvents", _FILE, _nothing),
    _table("DeviceLogonEvents", "AccountDomain AccountName LogonType RemoteIP", _logon_events),
    _table("DeviceEvents", f"{_FILE} RemoteIP RemoteUrl AdditionalFields", _antivirus_events),
)
"""Documented tables; of each the columns that can be filled, and those that outside clients were seen to ask for."""
