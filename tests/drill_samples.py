"""Drills, as rows that need no database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.drills.model import Drill, Mark, State, Step
from ringfence.storage import Transaction
from ringfence.storage.tables import drill_devices, drill_schedules, drills

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


def seed(tx: Transaction, organization_id: str, account_id: str, machine_id: str, now: datetime) -> str:
    """Write a test device, a schedule and three drills (passed, failed, one that waits), and return the passed one's id."""
    # The ids are easy to name in a test; a second organization gets others.
    taken = tx.one(sa.select(drills.c.id).where(drills.c.id == "drill-passed")) is not None
    more = f"-{clock.new_id()[-12:]}" if taken else ""
    where = {"organization_id": organization_id, "machine_id": machine_id}
    device = where | {"account_id": account_id, "device_group": "Test devices", "os_platform": "Windows11"}
    named = {"name": "tst-001.contoso.com", "added_by": "megan.bowen", "added_at": now}
    tx.execute(sa.insert(drill_devices).values(**device, **named))
    tx.execute(
        sa.insert(drill_schedules).values(
            **where,
            id=f"drill-schedule-1{more}"[:36],
            playbook="Contain ransomware",
            cron="0 9 * * 1",
            time_zone="Europe/Rome",
            patience=1800.0,
            made_by="megan.bowen",
            made_at=now,
            next_at=now + timedelta(days=3),
            detail="Began drill drill-passed.",
        )
    )
    at = clock.iso(now - timedelta(minutes=30))
    lines = [
        Step("prepared", Mark.DONE, "tst-001.contoso.com is the device meant, and nothing of ours holds it.", at),
        Step("protected host refused", Mark.WARNING, "srv1 would be cut off only if people agree.", at),
        Step("observed", Mark.DONE, "The test alert was read from Defender.", at, 41.0),
        Step("confirmed", Mark.DONE, "Defender confirmed it.", at, 12.4),
    ]
    ends = {
        "drill-passed": (
            State.PASSED,
            [*lines, Step("released", Mark.DONE, "Defender confirmed the release.", at, 9.0)],
        ),
        "drill-failed": (State.FAILED, [*lines, Step("released", Mark.FAILED, "Not known to be released.", at)]),
        "drill-live": (State.OBSERVING, lines[:2]),
    }
    for number, (drill_id, (state, steps)) in enumerate(ends.items()):
        over = state is not State.OBSERVING
        tx.execute(
            sa.insert(drills).values(
                **device,
                id=drill_id + more,
                machine_name="tst-001.contoso.com",
                open_key=None if over else f"{organization_id}:{machine_id}",
                playbook="Contain ransomware",
                real=number == 2,
                state=state.value,
                detail="Released." if over else "Waiting for the test file.",
                steps=[step.document() for step in steps],
                started_by="megan.bowen",
                started_at=now - timedelta(minutes=40 - number),
                deadline_at=now + timedelta(minutes=20),
                finished_at=now - timedelta(minutes=20) if over else None,
            )
        )
    return f"drill-passed{more}"
