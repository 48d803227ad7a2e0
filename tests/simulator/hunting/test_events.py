from typing import Any

import pytest

from ringfence.simulator import Simulator, portal
from ringfence.simulator.hunting.events import TABLES
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant

ROWS = {table.name: table.rows for table in TABLES}
EVIDENCE: list[dict[str, Any]] = [
    {
        "entityType": "Process",
        "fileName": "p.exe",
        "processId": 7,
        "parentProcessId": 3,
        "parentProcessFileName": "q.exe",
    },
    {"entityType": "File", "fileName": "a.exe", "filePath": "C:\\temp", "sha1": "a" * 40},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
    {"entityType": "Url", "url": "http://www.fabrikam.com/x"},
    {"entityType": "Registry", "registryKey": "K", "registryValueName": "N", "registryValue": "V"},
    {"entityType": "User", "accountName": "asmith"},
]


@pytest.fixture
def attacked(simulator: Simulator, contoso: Tenant) -> Tenant:
    """The tenant after an alert of the antivirus and one of the sensor."""
    for source in ("WindowsDefenderAv", "WindowsDefenderAtp"):
        spec = AlertSpec(machine="wks-001", evidence=EVIDENCE, detection_source=source)
        portal.raise_alert(contoso, spec, simulator.clock.now())
    return contoso


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("DeviceProcessEvents", "InitiatingProcessId", [3]),
        ("DeviceFileEvents", "FolderPath", ["C:\\temp"]),
        ("DeviceNetworkEvents", "RemoteIP", ["203.0.113.9", ""]),
        ("DeviceNetworkEvents", "RemoteUrl", ["", "www.fabrikam.com"]),
        ("DeviceRegistryEvents", "RegistryValueData", ["V"]),
    ],
)
def test_evidence_of_each_alert_is_seen_in_the_table_of_its_kind(
    attacked: Tenant, table: str, column: str, values: list[object]
) -> None:
    rows = list(ROWS[table](attacked))
    assert [row[column] for row in rows] == values * 2
    assert {row["DeviceName"] for row in rows} == {"wks-001"}
    assert len({row["ReportId"] for row in rows}) == len(rows)


def test_only_the_antivirus_detects(attacked: Tenant) -> None:
    (row,) = ROWS["DeviceEvents"](attacked)
    assert (row["ActionType"], row["FileName"]) == ("AntivirusDetection", "a.exe")


def test_each_user_of_a_machine_has_logged_on(contoso: Tenant) -> None:
    machine = next(iter(contoso.machines.values()))
    machine.users = ["asmith", "bjones"]
    rows = [row for row in ROWS["DeviceLogonEvents"](contoso) if row["DeviceId"] == machine.id]
    assert [(row["AccountName"], row["AccountDomain"]) for row in rows] == [
        ("asmith", "CONTOSO"),
        ("bjones", "CONTOSO"),
    ]
