"""The rows of runs: one run for each cause, one holder for each run, and no word from a holder that was replaced."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import LeaseLost
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import rows
from ringfence.runs.model import Awaited, Run, RunStatus, StepRun
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.tables import run_logs, wakes
from run_world import LEASE, NOON, Stage

STEPS: dict[str, dict[str, Any]] = {"one": {"action": "contoso.pure"}}


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage.set(database, STEPS)


def claim(stage: Stage, run_id: str, owner: str = "first", *, carried: bool = False) -> Run | None:
    return stage.database.run_now(lambda tx: rows.claim(tx, run_id, owner=owner, lease=LEASE, carried=carried))


def held(stage: Stage, run_id: str, owner: str = "first") -> Run:
    found = claim(stage, run_id, owner)
    assert found is not None
    return found


def step_of(run: Run, **values: Any) -> StepRun:
    return StepRun(run.id, "one", 0, "contoso.pure", **values)


def kinds(stage: Stage, run_id: str) -> list[str]:
    return [each.kind for each in stage.database.read_now(lambda tx: changes.after(tx, 0)) if each.noun_id == run_id]


def test_one_cause_makes_one_run_of_a_playbook_however_often_it_is_asked_for(stage: Stage) -> None:
    first = stage.request("alert:1\x00", host="a\x00\ud800")
    assert stage.request("alert:1\x00") == first
    assert stage.request("alert:2") != first
    assert kinds(stage, first) == ["requested"]
    assert stage.run(first)["trigger"] == {"host": "a\x00\ud800"}
    assert stage.run(first)["status"] == "requested"


def test_a_claim_gives_what_is_needed_to_carry_the_run(stage: Stage) -> None:
    run_id = stage.request(host="fin-ws-014")
    run = held(stage, run_id)
    assert (run.id, run.organization_id, run.playbook_name, run.version) == (
        run_id,
        stage.organization_id,
        "Example",
        "1.2",
    )
    assert (run.fence, run.segment, run.nudges, run.resumed, run.alert) == (1, 1, 0, False, None)
    assert run.trigger == {"host": "fin-ws-014"}
    assert run.newest_change == stage.database.read_now(changes.latest)
    row = stage.run(run_id)
    assert (row["status"], row["lease_owner"], row["lease_until"]) == (
        "running",
        "first",
        NOON + timedelta(seconds=LEASE),
    )
    assert row["started_at"] == NOON


def test_a_run_has_one_holder_until_its_lease_has_run_out(stage: Stage) -> None:
    run_id = stage.request()
    held(stage, run_id)
    stage.time.pass_by(LEASE - 1)
    assert claim(stage, run_id, "second") is None
    assert (stage.run(run_id)["nudges"], stage.run(run_id)["segment"]) == (1, 2)
    stage.time.pass_by(1)
    taken = held(stage, run_id, "second")
    assert (taken.fence, taken.resumed, taken.segment, taken.nudges) == (2, True, 3, 1)
    assert stage.run(run_id)["started_at"] == NOON


def test_of_many_who_want_a_run_one_has_it(stage: Stage) -> None:
    run_id = stage.request()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: claim(stage, run_id, f"worker {number}"), range(8)))
    assert len([run for run in found if run is not None]) == 1
    assert stage.run(run_id)["nudges"] == 7


def test_who_is_at_work_on_a_run_takes_it_only_where_it_was_given_back(stage: Stage) -> None:
    run_id = stage.request()
    run = held(stage, run_id)
    stage.time.pass_by(LEASE + 1)
    assert claim(stage, run_id, carried=True) is None
    nudges = stage.database.read_now(lambda tx: rows.nudges_of(tx, run_id))
    assert nudges == 1
    seen = held_again(run, nudges)
    assert stage.database.run_now(lambda tx: rows.let_go(tx, seen, RunStatus.WAITING))
    assert claim(stage, run_id, carried=True) is not None


def held_again(run: Run, nudges: int) -> Run:
    return replace(run, nudges=nudges)


def test_a_write_renews_the_lease_and_is_read_back(stage: Stage) -> None:
    run = held(stage, stage.request())
    stage.time.pass_by(10)
    step = step_of(run, status=StepStatus.SUCCEEDED, outcome="yes", output={"a": ["\x00\ud800", 1.5]}, started_at=NOON)
    line = {"run_id": run.id, "step": "one", "at": NOON, "level": "info", "message": "\x00", "fields": {"n": 1}}
    stage.database.run_now(lambda tx: rows.write(tx, run, [step], [line], lease=LEASE))
    assert stage.steps(run.id) == {"one": step}
    assert stage.told(run.id) == [("one", "info", "\ufffd")]
    assert stage.run(run.id)["lease_until"] == clock.now() + timedelta(seconds=LEASE)
    step.status = StepStatus.FAILED
    stage.database.run_now(lambda tx: rows.write(tx, run, [step], lease=LEASE))
    assert stage.steps(run.id)["one"].status is StepStatus.FAILED
    assert kinds(stage, run.id) == ["requested", "progress", "progress"]


@pytest.mark.parametrize("status", [None, RunStatus.WAITING, RunStatus.SUCCEEDED])
@pytest.mark.parametrize("awaits", [False, True])
def test_who_was_replaced_writes_nothing(stage: Stage, status: RunStatus | None, awaits: bool) -> None:
    run = held(stage, stage.request())
    stage.time.pass_by(LEASE)
    heir = held(stage, run.id, "second")
    step = step_of(run, status=StepStatus.WAITING)
    line = {"run_id": run.id, "step": "one", "at": NOON, "level": "info", "message": "late", "fields": {}}
    awaited = [Awaited(step, ("case:7",), 0)] if awaits else []

    def work(tx: Transaction) -> None:
        if status is None:
            rows.write(tx, run, [step], [line], awaited, lease=LEASE)
        else:
            rows.let_go(tx, run, status, steps=[step], lines=[line], awaited=awaited)

    with pytest.raises(LeaseLost):
        stage.database.run_now(work)
    assert stage.steps(run.id) == {}
    for table in (run_logs, wakes):
        with stage.database.reading() as tx:
            assert tx.all(sa.select(table)) == []
    assert stage.run(run.id)["lease_owner"] == "second"
    assert stage.database.run_now(lambda tx: rows.let_go(tx, heir, RunStatus.SUCCEEDED))


def test_letting_go_of_a_run_that_is_over_writes_its_end_and_forgets_its_waits(stage: Stage) -> None:
    run = held(stage, stage.request())
    step = step_of(run, status=StepStatus.WAITING)
    stage.database.run_now(lambda tx: rows.write(tx, run, [step], (), [Awaited(step, ("case:7",))], lease=LEASE))
    assert stage.database.run_now(lambda tx: rows.let_go(tx, run, RunStatus.FAILED, error="one: \x00" + "x" * 9_999))
    row = stage.run(run.id)
    assert (row["status"], row["finished_at"], row["lease_owner"], row["lease_until"]) == ("failed", NOON, None, None)
    assert row["error"].startswith("one: \ufffdx")
    assert len(row["error"]) == 2_000
    assert stage.database.read_now(lambda tx: tx.all(sa.select(wakes))) == []
    assert claim(stage, run.id) is None
    assert kinds(stage, run.id) == ["requested", "progress", "failed"]


def test_a_run_that_somebody_wants_looked_at_again_is_not_parked_but_written(stage: Stage) -> None:
    run = held(stage, stage.request())
    assert claim(stage, run.id, "second") is None
    step = step_of(run, status=StepStatus.WAITING)
    assert not stage.database.run_now(lambda tx: rows.let_go(tx, run, RunStatus.WAITING, steps=[step]))
    assert stage.run(run.id)["lease_owner"] == "first"
    assert stage.steps(run.id) == {"one": step}
    again = held_again(run, 1)
    assert stage.database.run_now(lambda tx: rows.let_go(tx, again, RunStatus.WAITING))
    assert (stage.run(run.id)["status"], stage.run(run.id)["lease_until"]) == ("waiting", None)


def test_a_run_whose_awaited_change_has_come_is_not_parked_and_its_step_is_due(stage: Stage) -> None:
    run = held(stage, stage.request())
    stage.change("case:7")
    step = step_of(run, status=StepStatus.WAITING, state=1)
    awaited = [Awaited(step, ("case:7",), run.newest_change)]
    assert not stage.database.run_now(lambda tx: rows.let_go(tx, run, RunStatus.WAITING, steps=[step], awaited=awaited))
    assert stage.steps(run.id)["one"].wake_at == NOON
    assert stage.run(run.id)["status"] == "running"


def test_the_leases_of_a_dead_worker_are_given_back_and_its_word_counts_no_more(stage: Stage) -> None:
    run, other = held(stage, stage.request()), held(stage, stage.request(), "second")
    assert stage.database.run_now(lambda tx: rows.free_leases(tx, "first")) == 1
    with pytest.raises(LeaseLost):
        stage.database.run_now(lambda tx: rows.write(tx, run, [], lease=LEASE))
    stage.database.run_now(lambda tx: rows.write(tx, other, [], lease=LEASE))
    assert claim(stage, run.id, "second") is not None


def test_only_leases_that_are_still_held_are_renewed(stage: Stage) -> None:
    run, lost = held(stage, stage.request()), held(stage, stage.request())
    stage.time.pass_by(LEASE)
    held(stage, lost.id, "second")
    stage.time.pass_by(1)
    stage.database.run_now(lambda tx: rows.renew_leases(tx, "first", [run.id, lost.id], lease=LEASE))
    stage.database.run_now(lambda tx: rows.renew_leases(tx, "first", [], lease=LEASE))
    assert stage.run(run.id)["lease_until"] == clock.now() + timedelta(seconds=LEASE)
    assert stage.run(lost.id)["lease_until"] == clock.now() + timedelta(seconds=LEASE - 1)


def test_when_waiting_steps_are_due_is_read_by_name(stage: Stage) -> None:
    run = held(stage, stage.request())
    steps = [step_of(run, status=StepStatus.WAITING, wake_at=NOON)]
    steps += [StepRun(run.id, name, 1, "x.y", status) for name, status in (("two", StepStatus.STARTED),)]
    stage.database.run_now(lambda tx: rows.write(tx, run, steps, lease=LEASE))
    assert stage.database.read_now(lambda tx: rows.waiting_of(tx, run.id)) == {("one", 0): NOON}


async def test_a_nudge_and_a_park_at_one_time_lose_no_wake_up(stage: Stage) -> None:
    for _ in range(50):
        run = held(stage, stage.request())
        parking = stage.database.run(lambda tx, r=run: rows.let_go(tx, r, RunStatus.WAITING))  # type: ignore[misc]
        coming = stage.database.run(
            lambda tx, r=run: rows.claim(tx, r.id, owner="second", lease=LEASE)  # type: ignore[misc]
        )
        parked, claimed = await asyncio.gather(parking, coming)
        # Either it was parked first, and then taken, or its holder has to look again.
        assert (parked, claimed is not None) in ((True, True), (False, False))
