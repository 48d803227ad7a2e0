import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from listening_world import publish, runs_of
from ringfence.listeners.pacing import Backoff
from ringfence.listeners.timers import LONGEST_SLEEP, Timers
from ringfence.playbooks import library
from ringfence.storage import Database
from ringfence.storage.tables import timer_marks
from run_world import NOON, Time


def fired(database: Database) -> list[str]:
    return [run["trigger"]["at"][11:16] for run in runs_of(database)]


async def test_a_playbook_is_started_at_each_of_its_moments(database: Database) -> None:
    time, organization, timers = Time().start(), an_organization(database), Timers(database)
    account = a_stored_account(database, organization).id
    playbook = publish(database, organization, "Tick", "{type: timer, every: 15 min, account: contoso}")
    assert await timers.tick() == LONGEST_SLEEP
    assert fired(database) == []
    for minutes in (14.95, 0.05, 0, 0.5, 14.5):
        time.pass_by(minutes * 60)
        await timers.tick()
    (first, second) = runs_of(database, playbook)
    assert fired(database) == ["12:15", "12:30"]
    assert first["trigger"] == {
        "type": "timer",
        "at": "2026-01-31T12:15:00.000Z",
        "local_time": "2026-01-31T12:15:00+00:00",
        "time_zone": "UTC",
        "missed": 0,
    }
    assert second["account_id"] == account
    assert second["playbook_version_id"] == playbook.version_id


async def test_it_wakes_for_the_moment_itself(embedded: Database) -> None:
    time, organization, timers = Time().start(), an_organization(embedded), Timers(embedded)
    publish(embedded, organization, "Tick", "{type: timer, every: 1 min}")
    time.pass_by(58)
    assert await timers.tick() == 2
    time.pass_by(2)
    assert await timers.tick() == LONGEST_SLEEP
    assert fired(embedded) == ["12:01"]


async def test_two_workers_start_a_moment_once(database: Database) -> None:
    time, organization = Time().start(), an_organization(database)
    publish(database, organization, "Tick", "{type: timer, cron: '*/5 * * * *'}")
    workers = [Timers(database) for _ in range(4)]
    for _ in range(3):
        time.pass_by(300)
        await asyncio.gather(*(worker.tick() for worker in workers))
    assert fired(database) == ["12:05", "12:10", "12:15"]


async def test_workers_whose_clocks_differ_start_a_moment_once(embedded: Database) -> None:
    time, organization = Time().start(), an_organization(embedded)
    publish(embedded, organization, "Tick", "{type: timer, every: 5 min}")
    fast, slow = Timers(embedded), Timers(embedded)
    time.pass_by(301)
    await fast.tick()
    time.pass_by(-2)
    await slow.tick()
    time.pass_by(3)
    await slow.tick()
    assert fired(embedded) == ["12:05"]


@pytest.mark.parametrize(("catch_up", "expected"), [("last", ["15:00"]), ("none", [])])
async def test_moments_that_nobody_saw_are_caught_up_as_the_playbook_says(
    database: Database, catch_up: str, expected: list[str]
) -> None:
    time, organization = Time().start(), an_organization(database)
    publish(database, organization, "Tick", f"{{type: timer, every: 1 h, catch_up: {catch_up}}}")
    time.pass_by(3.5 * 3600)
    for _ in range(2):
        await Timers(database).tick()
    assert fired(database) == expected
    if expected:
        assert runs_of(database)[0]["trigger"]["missed"] == 2
    passed = database.read_now(lambda tx: tx.scalar(sa.select(timer_marks.c.passed_over)))
    assert passed == 3 - len(expected)
    time.pass_by(1800)
    await Timers(database).tick()
    assert fired(database) == [*expected, "16:00"]


async def test_what_was_due_while_a_playbook_was_paused_is_not_made_up_for(embedded: Database) -> None:
    time, organization, timers = Time().start(), an_organization(embedded), Timers(embedded)
    publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")
    embedded.run_now(lambda tx: library.pause(tx, organization, "Tick"))
    time.pass_by(2.5 * 3600)
    await timers.tick()
    embedded.run_now(lambda tx: library.resume(tx, organization, "Tick"))
    await timers.tick()
    assert fired(embedded) == []
    time.pass_by(1800)
    await timers.tick()
    assert fired(embedded) == ["15:00"]


async def test_a_moment_of_a_version_that_was_replaced_meanwhile_is_the_new_versions_business(
    embedded: Database,
) -> None:
    time, organization, timers = Time().start(), an_organization(embedded), Timers(embedded)
    publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")
    (listener,) = embedded.read_now(timers._look)[0]
    time.pass_by(3600)
    publish(embedded, organization, "Tick", "{type: timer, every: 2 h}")
    assert embedded.run_now(lambda tx: timers._fire(listener, tx)) == []
    time.pass_by(3600)
    await timers.tick()
    assert fired(embedded) == ["14:00"]


async def test_a_clock_that_was_far_ahead_does_not_silence_a_timer_nor_double_it(embedded: Database) -> None:
    time, organization, timers = Time().start(), an_organization(embedded), Timers(embedded)
    publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")
    time.pass_by(3600)
    await timers.tick()
    time.pass_by(365 * 86400)
    await timers.tick()
    assert len(runs_of(embedded)) == 2
    time.now = NOON + timedelta(minutes=90)
    await timers.tick()
    time.now = NOON + timedelta(hours=2)
    await timers.tick()
    assert [run["trigger"]["at"][:13] for run in runs_of(embedded)] == [
        "2026-01-31T13",
        "2027-01-31T13",
        "2026-01-31T14",
    ]


async def test_the_doubled_hour_starts_a_fixed_time_once_and_the_skipped_one_right_after_it(database: Database) -> None:
    time, organization, timers = Time().start(), an_organization(database), Timers(database)
    time.now = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    publish(database, organization, "Night", "{type: timer, cron: '30 2 * * *', time_zone: Europe/Berlin}")
    for _ in range(6 * 4):
        time.pass_by(900)
        await timers.tick()
    time.now = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    publish(
        database, organization, "Night", "{type: timer, cron: '30 2 * * *', time_zone: Europe/Berlin, catch_up: none}"
    )
    for _ in range(6 * 4):
        time.pass_by(900)
        await timers.tick()
    assert [run["trigger"]["local_time"] for run in runs_of(database)] == [
        "2026-03-29T03:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
    ]


async def test_it_goes_on_after_a_failure_and_ends_when_told(embedded: Database) -> None:
    Time().start()
    stop = asyncio.Event()
    calls: list[None] = []

    class Failing(Timers):
        async def tick(self) -> float:
            calls.append(None)
            if len(calls) == 1:
                raise RuntimeError("the database went away")
            stop.set()
            return 0.0

    timers = Failing(embedded, Backoff(first=0.0))
    task = asyncio.create_task(timers.run_forever(stop))
    await asyncio.wait_for(task, 90)
    assert len(calls) == 2
