from typing import Any

from ringfence.simulator import portal, telemetry
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant

NOON = 1_772_366_400.0
EVIDENCE: list[dict[str, Any]] = [
    {"entityType": "Process", "fileName": "a.exe"},
    {"entityType": "File", "fileName": "b.txt"},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
]


def test_each_process_file_and_connection_is_an_event_that_can_be_found_again(contoso: Tenant) -> None:
    portal.raise_alert(contoso, AlertSpec(machine="wks-001", evidence=EVIDENCE), NOON)
    portal.raise_alert(contoso, AlertSpec(machine="wks-002", evidence=EVIDENCE), NOON)
    custom = AlertSpec(machine="wks-001", evidence=EVIDENCE, detection_source="CustomDetection")
    portal.raise_alert(contoso, custom, NOON)
    events = list(telemetry.events(contoso))
    assert [event.evidence["entityType"] for event in events] == ["Process", "File", "Ip"] * 2
    for event in events:
        found = telemetry.find(contoso, event.machine_id, str(event.report_id), event.ticks)
        assert found == event
        assert telemetry.find(contoso, event.machine_id, str(event.report_id), event.ticks + 1) is None


def test_an_event_without_a_time_is_none(contoso: Tenant) -> None:
    portal.raise_verbatim(contoso, {"evidence": EVIDENCE, "firstEventTime": "soon"}, NOON)
    assert list(telemetry.events(contoso)) == []
