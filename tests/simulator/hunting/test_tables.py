import pytest

from ringfence.simulator import Simulator, portal, telemetry, timestamps
from ringfence.simulator.hunting.tables import TABLES
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant


@pytest.fixture
def attacked(simulator: Simulator, contoso: Tenant) -> Tenant:
    """The tenant after one alert with evidence."""
    evidence: list[dict[str, str | int | None]] = [
        {"entityType": "File", "fileName": "a.exe", "sha1": "a" * 40},
        {"entityType": "Ip", "ipAddress": "203.0.113.9"},
        {"entityType": "Registry", "registryKey": "K"},
    ]
    spec = AlertSpec(
        machine="wks-001", evidence=evidence, mitre=["T1486"], detection_source="WindowsDefenderAv", category="Malware"
    )
    portal.raise_alert(contoso, spec, simulator.clock.now())
    odd = {"id": "odd", "evidence": [5, {"entityType": "Process", "processId": 7}], "title": 3}
    odd |= {"machineId": next(iter(contoso.machines)), "firstEventTime": "2026-03-01T11:00:00.1234567Z"}
    portal.raise_verbatim(contoso, odd, simulator.clock.now())
    return contoso


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_row_has_the_columns_and_types_of_its_table(attacked: Tenant, name: str) -> None:
    table = TABLES[name]
    rows = list(table.rows(attacked))
    assert bool(rows) == (name != "DeviceImageLoadEvents")
    for row in rows:
        assert tuple(row) == tuple(column for column, _ in table.columns) or set(row) == dict(table.columns).keys()
        for column, kind in table.columns:
            assert isinstance(row[column], str if kind == "String" else int | None), column


def test_each_machine_has_a_row_and_its_adapters_have_theirs(contoso: Tenant) -> None:
    devices = list(TABLES["DeviceInfo"].rows(contoso))
    assert {row["DeviceId"] for row in devices} == set(contoso.machines)
    (adapter,) = [row for row in TABLES["DeviceNetworkInfo"].rows(contoso) if row["DeviceName"] == "wks-001"]
    assert "127.0.0.1" not in str(adapter["IPAddresses"])
    assert str(adapter["IPAddresses"]).startswith('[{"IPAddress":"10.20.')


def test_an_alert_has_its_machine_and_its_evidence(attacked: Tenant) -> None:
    rows = [row for row in TABLES["AlertEvidence"].rows(attacked) if row["AlertId"] != "odd"]
    assert [row["EntityType"] for row in rows] == ["Machine", "File", "Ip", "RegistryKey"]
    assert [row["DeviceName"] for row in rows] == ["wks-001", "wks-001", "", "wks-001"]
    assert rows[0]["AttackTechniques"] == '["T1486"]'
    assert timestamps.write(int(rows[0]["Timestamp"] or 0)) == "2026-03-01T12:00:00Z"


def test_an_event_is_known_by_report_machine_and_time(attacked: Tenant) -> None:
    (process,) = TABLES["DeviceProcessEvents"].rows(attacked)
    (file,) = TABLES["DeviceFileEvents"].rows(attacked)
    assert (process["ActionType"], process["ProcessId"]) == ("ProcessCreated", 7)
    assert (file["ActionType"], file["FileName"], file["DeviceName"]) == ("FileCreated", "a.exe", "wks-001")
    for row in (process, file):
        assert telemetry.find(attacked, str(row["DeviceId"]), str(row["ReportId"]), int(row["Timestamp"] or 0))
