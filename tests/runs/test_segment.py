"""A held run: what is at work side by side, and what becomes of it when something ends too early."""

import asyncio
from typing import Any

import pytest

from ringfence.actions import Context, Result, Wait
from ringfence.storage import Database, changes
from run_world import LEASE, Crash, Stage, states

Steps = dict[str, dict[str, Any]]


async def test_an_input_that_cannot_be_had_fails_the_step_without_calling_it(database: Database) -> None:
    steps: Steps = {"one": {"action": "contoso.write", "with": {"value": "${sort(trigger.host)}"}, "retry": {}}}
    stage = Stage.set(database, steps)
    run_id = stage.request(host="not a list")
    run = await stage.carry(run_id)
    assert run["status"] == "failed"
    assert "sort()" in run["error"]
    assert stage.world.calls == []


async def test_a_bug_in_an_action_fails_its_step_and_the_rest_goes_on(database: Database) -> None:
    steps: Steps = {
        "one": {"action": "contoso.write", "with": {"do": [["bug"]]}, "retry": {}},
        "two": {"action": "contoso.write"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["error"] == "one: Internal error (KeyError) in contoso.write; see the server's log."
    assert states(stage, run_id) == {"one": "failed", "two": "succeeded"}
    assert len(stage.world.calls) == 2


async def test_a_slow_step_does_not_hold_up_those_that_follow_a_fast_one(database: Database) -> None:
    steps: Steps = {
        "slow": {"action": "contoso.write"},
        "fast": {"action": "contoso.once"},
        "then": {"action": "contoso.read", "after": "fast"},
        "last": {"action": "contoso.write", "after": "then"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    gate, last = stage.world.gate("slow"), stage.world.gate("last")
    carried = asyncio.create_task(stage.runner().advance(run_id))
    await stage.world.begun["last"].wait()
    assert states(stage, run_id) == {"slow": "started", "fast": "succeeded", "then": "succeeded", "last": "started"}
    gate.set()
    last.set()
    await carried
    assert stage.run(run_id)["status"] == "succeeded"


async def test_a_wait_that_ends_while_another_step_is_at_work_goes_on_at_once(database: Database) -> None:
    steps: Steps = {
        "slow": {"action": "contoso.write"},
        "waits": {"action": "contoso.contain", "with": {"do": [["topic case:7", "ok"]]}},
        "then": {"action": "contoso.read", "after": "waits"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    gate, then = stage.world.gate("slow"), stage.world.gate("then")
    carried = asyncio.create_task(stage.runner().advance(run_id))
    await stage.world.begun["slow"].wait()
    async for _ in changes.follow(database, 0):
        if states(stage, run_id).get("waits") == "waiting":
            break
    await asyncio.to_thread(stage.change, "case:7")
    await stage.world.begun["then"].wait()
    assert states(stage, run_id)["slow"] == "started"
    gate.set()
    then.set()
    await carried
    assert stage.run(run_id)["status"] == "succeeded"


@pytest.mark.parametrize("action", ["contoso.read", "contoso.contain", "contoso.once"])
async def test_when_a_step_reaches_outside_its_row_says_so_already(database: Database, action: str) -> None:
    stage = Stage.set(database, {"one": {"action": action, "with": {"value": "${trigger.host}"}}})
    seen: list[tuple[str, object, object]] = []

    async def act(context: Context) -> Result | Wait:
        row = stage.steps(run_id)["one"]
        seen.append((row.status.value, row.input, row.state))
        return Result() if context.resumed else Wait(until=stage.time.now, state="again")

    stage.world.hooks["one"] = act
    run_id = stage.request(host="fin-ws-014")
    await stage.carry(run_id)
    assert seen == [("started", {"value": "fin-ws-014"}, None), ("started", {"value": "fin-ws-014"}, "again")]


async def test_an_effect_that_cannot_be_looked_up_is_not_had_again_after_a_crash(database: Database) -> None:
    steps: Steps = {
        "once": {"action": "contoso.once", "on_error": "tell"},
        "tell": {"action": "contoso.write", "after": "once.error"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    stage.world.crash_at = 2
    with pytest.raises(Crash):
        await stage.runner().advance(run_id)
    stage.time.pass_by(LEASE)
    assert (await stage.carry(run_id, stage.runner("second")))["status"] == "partly_failed"
    assert stage.world.keys() == ["once", "tell"]
    assert "it is not known whether its effect took place" in stage.steps(run_id)["once"].error


async def test_nor_is_it_had_again_where_its_wait_had_ended(database: Database) -> None:
    stage = Stage.set(database, {"once": {"action": "contoso.once", "with": {"do": [["wait 5", "ok"]]}}})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    stage.time.pass_by(5)
    stage.world.crash_at = stage.world.moments + 2
    with pytest.raises(Crash):
        await stage.runner().advance(run_id)
    stage.time.pass_by(LEASE)
    assert (await stage.carry(run_id, stage.runner("second")))["status"] == "failed"
    assert len(stage.world.effects) == 2


async def test_a_known_result_of_such_an_effect_survives_a_crash_of_what_comes_next(database: Database) -> None:
    steps: Steps = {"once": {"action": "contoso.once"}, "next": {"action": "contoso.pure", "after": "once"}}
    stage = Stage.set(database, steps)
    run_id = stage.request()
    stage.world.crash_at = 3
    with pytest.raises(Crash):
        await stage.runner().advance(run_id)
    stage.time.pass_by(LEASE)
    assert (await stage.carry(run_id, stage.runner("second")))["status"] == "succeeded"
    assert stage.world.keys() == ["once"]
