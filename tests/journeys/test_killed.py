"""`kill -9` at each boundary of the journey: restarted, it ends the same, with one isolate and one unisolate."""

import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from journey import Journey, ended, journey, names
from ringfence.storage.tables import alerts, containments, runs

BOUNDARIES: dict[str, dict[str, Any]] = {
    "after the poll's commit": {"change": ["run", "requested"]},
    "after the run took its first steps": {"change": ["run", "progress"]},
    "when the containment is asked for": {"change": ["containment", "requested"]},
    "when it is approved": {"change": ["containment", "approved"]},
    "when the isolation is announced and not sent": {"change": ["containment", "submitting"]},
    "when the isolation is about to be sent": {"request": ["POST", "/isolate"]},
    "after the isolation was sent and before its reply was stored": {"reply": ["POST", "/isolate"]},
    "while the isolation is pending": {"change": ["containment", "pending"]},
    "when it is confirmed": {"change": ["containment", "contained"]},
    "after the comment was written and before that was stored": {"reply": ["PATCH", "/alerts/"]},
    "while the run is parked": {"change": ["run", "waiting"]},
    "when the release is asked for": {"change": ["containment", "release_requested"]},
    "when the release begins": {"change": ["containment", "releasing"]},
    "when the release is about to be sent": {"request": ["POST", "/unisolate"]},
    "after the release was sent and before its reply was stored": {"reply": ["POST", "/unisolate"]},
    "when the release is confirmed": {"change": ["containment", "released"]},
}


async def _told_once(trip: Journey, alert_id: str) -> None:
    summary = await trip.control.summary()
    comments = [text for text in summary["comments"].get(alert_id, []) if "Ringfence:" in text]
    assert len(comments) == len(set(comments)) == 2, comments
    assert "is contained" in comments[0]
    assert "is released" in comments[1]


@pytest.mark.parametrize("boundary", BOUNDARIES)
async def test_a_worker_killed(boundary: str, tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:
        host = names(trip, 1)[0]
        alert_id = await trip.alert(host)
        doomed = trip.start_worker(crash=BOUNDARIES[boundary])
        assert doomed.wait(timeout=60) == -9, f"the boundary was not reached\n{trip.log()[-4000:]}"
        trip.start_worker()
        await trip.until(ended(1))
        machine = trip.machine(host)
        assert await trip.asked("isolate_machine") == [machine]
        assert await trip.asked("unisolate_machine") == [machine]
        rows = trip.app.database.read_now(
            lambda tx: [
                tx.scalar(sa.select(sa.func.count()).select_from(table)) for table in (alerts, runs, containments)
            ]
        )
        assert rows == [1, 1, 1]
        await _told_once(trip, alert_id)


async def test_a_worker_killed_at_thirty_random_moments(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    chance = random.Random(seed)
    async with journey(tmp_path / "data", watch="2 s") as trip:
        hosts = names(trip, 3)
        for host in hosts:
            await trip.alert(host)
        for _ in range(30):
            worker = trip.start_worker()
            await trip.until_logged(worker, "worker started")
            await trip.live_for(chance.uniform(0.0, 0.5))
            worker.kill()
            worker.wait()
        trip.start_worker()
        await trip.until(ended(len(hosts)))
        expected = sorted(trip.machine(host) for host in hosts)
        assert sorted(await trip.asked("isolate_machine")) == expected, f"seed {seed}"
        assert sorted(await trip.asked("unisolate_machine")) == expected, f"seed {seed}"
