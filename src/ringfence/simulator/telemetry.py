"""The events that machines reported: one for each process, file, connection and registry value in the evidence of alerts.

Hunting finds them, and an alert can be raised from one by its report id, its machine and its exact time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.simulator import ids, sightings, timestamps
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Tenant

_KINDS = ("Process", "File", "Url", "Ip", "Registry")


@dataclass(frozen=True)
class Event:
    """An event: when (ticks), on which machine, its number there, and what was seen, as evidence."""

    ticks: int
    machine_id: str
    report_id: int
    evidence: Document
    alert: Record


def events(tenant: Tenant) -> Iterator[Event]:
    """Give the events of a tenant in the order of its alerts."""
    for record in tenant.alert_order:
        yield from of_alert(record)


def of_alert(record: Record) -> Iterator[Event]:
    """Give the events behind an alert; a custom detection was raised from events that other alerts stand for."""
    if record.document.get("detectionSource") == "CustomDetection":
        return
    for index, item in enumerate(sightings.evidence_of(record.document)):
        if item.get("entityType") in _KINDS:
            moment = item.get("processCreationTime") or record.document.get("firstEventTime")
            try:
                ticks = timestamps.read(str(moment))
            except ValueError:
                continue
            number = ids.number(1, 99_999, "report", record.key, index)
            yield Event(ticks, str(record.document.get("machineId")), number, item, record)


def find(tenant: Tenant, machine_id: str, report_id: str, ticks: int) -> Event | None:
    """Find the event of that report id on a machine at that very moment."""
    for record in tenant.alert_order:
        if record.document.get("machineId") == machine_id:
            for event in of_alert(record):
                if str(event.report_id) == report_id and event.ticks == ticks:
                    return event
    return None
