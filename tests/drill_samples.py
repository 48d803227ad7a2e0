"""Drills, as rows that need no database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ringfence.drills.model import Drill, State

BEGUN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def a_drill(**values: Any) -> Drill:
    """Return a drill that has just begun."""
    made: dict[str, Any] = {
        "id": "d-1",
        "organization_id": "o-1",
        "account_id": "a-1",
        "machine_id": "a" * 40,
        "machine_name": "tst-001",
        "device_group": None,
        "os_platform": "Windows11",
        "open_key": "o-1:a",
        "playbook": "Contain ransomware",
        "real": False,
        "state": State.PREPARING,
        "detail": "",
        "steps": (),
        "alert_id": None,
        "run_id": None,
        "containment_id": None,
        "started_by": "mara",
        "started_at": BEGUN,
        "injected_at": None,
        "deadline_at": BEGUN + timedelta(minutes=30),
        "aborted_by": None,
        "finished_at": None,
        "next_at": BEGUN,
    }
    return Drill(**made | values)
