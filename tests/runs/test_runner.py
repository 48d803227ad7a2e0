"""A runner carries runs, one holder at a time, and leaves nothing undone that it cannot do."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ringfence.actions import Json
from ringfence.actions.catalogue import Catalogue
from ringfence.runs import rows
from ringfence.storage import Database
from run_world import LEASE, Crash, Stage


async def test_a_run_of_pure_steps_is_one_segment_with_its_rows_in_the_order_of_the_plan(database: Database) -> None:
    steps = {
        "one": {"action": "contoso.pure", "with": {"value": "${trigger.host}"}},
        "two": {"action": "contoso.pure", "after": "one", "with": {"value": "${steps.one.step}-${run.id}"}},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request(host="fin-ws-014")
    assert await stage.runner().advance(run_id) is None
    run = stage.run(run_id)
    assert (run["status"], run["error"], run["segment"], run["fence"]) == ("succeeded", "", 1, 1)
    assert run["lease_owner"] is None
    assert stage.world.inputs == {"one": "fin-ws-014", "two": f"one-{run_id}"}
    assert [(step.step, step.position, step.status) for step in stage.steps(run_id).values()] == [
        ("one", 0, "succeeded"),
        ("two", 1, "succeeded"),
    ]
    assert stage.told(run_id) == [("one", "info", "Done."), ("two", "info", "Done.")]


async def test_a_run_that_is_over_or_unknown_is_nothing_to_do(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    assert await stage.runner().advance(run_id) is None
    assert await stage.runner().advance("0" * 36) is None
    assert stage.world.keys() == ["one"]


async def test_a_parked_run_says_when_to_go_on(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.pure", "with": {"do": [["wait 60", "ok"]]}}})
    run_id = stage.request()
    parked = await stage.runner().advance(run_id)
    assert parked is not None
    segment, at = parked
    assert segment == 1
    assert (at - stage.time.now).total_seconds() == 60
    assert stage.run(run_id)["status"] == "waiting"
    early = await stage.runner().advance(run_id)
    assert early == (2, at)
    stage.time.pass_by(60)
    assert await stage.runner().advance(run_id) is None
    assert stage.run(run_id)["status"] == "succeeded"
    assert stage.world.calls == [("one", 1, None), ("one", 1, 1)]


async def test_who_comes_while_another_holds_the_run_makes_the_holder_look_once_more(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.read", "with": {"do": [["wait 60", "ok"]]}}})
    run_id = stage.request()
    gate = stage.world.gate("one")
    holder = stage.runner()
    holding = asyncio.create_task(holder.advance(run_id))
    await stage.world.begun["one"].wait()
    assert holder.carrying == {run_id}
    assert await stage.runner("second").advance(run_id) is None
    assert stage.run(run_id)["nudges"] == 1
    gate.set()
    assert await holding == (1, stage.time.now + timedelta(seconds=60))
    assert stage.run(run_id)["status"] == "waiting"
    assert holder.carrying == set()


async def test_a_holder_whose_lease_ran_out_writes_nothing_more_and_starts_no_further_effect(
    database: Database,
) -> None:
    steps = {
        "slow": {"action": "contoso.write"},
        "beside": {"action": "contoso.write"},
        "then": {"action": "contoso.write", "after": "slow"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    gate = stage.world.gate("slow")
    beside = stage.world.gate("beside")
    first = asyncio.create_task(stage.runner("first").advance(run_id))
    await stage.world.begun["slow"].wait()
    await stage.world.begun["beside"].wait()
    stage.time.pass_by(LEASE + 1)
    taken = stage.database.run_now(lambda tx: rows.claim(tx, run_id, owner="second", lease=LEASE))
    assert taken is not None
    before = stage.steps(run_id)
    gate.set()
    assert await first is None
    assert stage.steps(run_id) == before
    assert stage.run(run_id)["lease_owner"] == "second"
    # What stood beside it was cut off as well, and what follows was never begun.
    beside.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert stage.world.keys() == ["slow"]


async def test_a_worker_does_not_take_a_run_twice_that_it_is_at_work_on(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    run_id = stage.request()
    gate = stage.world.gate("one")
    runner = stage.runner()
    first = asyncio.create_task(runner.advance(run_id))
    await stage.world.begun["one"].wait()
    stage.time.pass_by(LEASE + 1)
    assert await runner.advance(run_id) is None
    gate.set()
    assert await first is None
    assert stage.world.keys() == ["one"]
    assert stage.run(run_id)["status"] == "succeeded"


async def test_a_worker_that_is_taken_for_dead_is_told_so_at_its_next_write(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.once"}, "two": {"action": "contoso.write", "after": "one"}})
    run_id = stage.request()
    gate = stage.world.gate("one")
    first = asyncio.create_task(stage.runner("first").advance(run_id))
    await stage.world.begun["one"].wait()
    assert stage.database.run_now(lambda tx: rows.free_leases(tx, "first")) == 1
    gate.set()
    await first
    assert stage.steps(run_id)["one"].status == "started"
    assert "two" not in stage.steps(run_id)


async def test_a_playbook_whose_action_is_gone_fails_its_runs_and_closes_their_steps(database: Database) -> None:
    steps: dict[str, dict[str, Any]] = {
        "done": {"action": "contoso.pure"},
        "waits": {"action": "contoso.pure", "with": {"do": [["topic case:7", "ok"]]}},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    await stage.runner().advance(run_id)
    assert await stage.runner("second", catalogue=Catalogue([])).advance(run_id) is None
    run = stage.run(run_id)
    assert run["status"] == "failed"
    assert "contoso.pure, which does not exist" in run["error"]
    states = {name: (step.status, step.wake_at, step.state) for name, step in stage.steps(run_id).items()}
    assert states == {"done": ("succeeded", None, None), "waits": ("failed", None, None)}
    assert stage.change("case:7") == []


async def test_a_bug_in_reading_a_playbook_fails_the_run_instead_of_bringing_it_back_for_ever(
    database: Database,
) -> None:
    class Broken(Catalogue):
        def find(self, action_id: str) -> None:
            raise RuntimeError("broken")

    stage = Stage.set(database, {"one": {"action": "contoso.pure"}})
    run_id = stage.request()
    await stage.runner(catalogue=Broken([])).advance(run_id)
    run = stage.run(run_id)
    assert (run["status"], run["error"]) == (
        "failed",
        "Internal error (RuntimeError) in reading the playbook; see the server's log.",
    )


async def test_a_run_that_a_crash_left_goes_on_when_the_lease_has_run_out_and_not_before(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    run_id = stage.request()
    stage.world.crash_at = 2
    with pytest.raises(Crash):
        await stage.runner("first").advance(run_id)
    assert await stage.runner("second").advance(run_id) is None
    assert stage.run(run_id)["status"] == "running"
    stage.time.pass_by(LEASE)
    await stage.runner("second").advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"
    assert [key for key, _ in stage.world.effects] == [f"{run_id}:one:0"] * 2


async def test_the_step_documents_name_the_playbook_the_organization_and_the_run(database: Database) -> None:
    value = "${playbook.name} ${playbook.version} ${organization.id} ${run.requested_at}"
    stage = Stage.set(database, {"one": {"action": "contoso.pure", "with": {"value": value}}})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    seen: dict[str, Json] = stage.world.inputs
    assert seen["one"] == f"Example 1.2 {stage.organization_id} 2026-01-31T12:00:00.000Z"
