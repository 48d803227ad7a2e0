"""What becomes of a step when its call has come back: retries and waits."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ringfence.actions import ActionError, Context, Result, Wait
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import wakes
from ringfence.storage import Database
from run_world import LEASE, NOON, Crash, Stage, held_back, waiting_topics

Steps = dict[str, dict[str, Any]]


async def test_a_step_is_tried_again_after_longer_and_longer_pauses(database: Database) -> None:
    script = [["error"], ["error"], ["error"], ["ok"]]
    step = {"action": "contoso.write", "with": {"do": script}, "retry": {"attempts": 4, "backoff": "10 s"}}
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert stage.time.now - NOON == timedelta(seconds=10 + 20 + 40)
    row = stage.steps(run_id)["one"]
    assert (row.attempt, row.error, row.outcome) == (4, "", "success")
    seconds = [(each["number"], each["started_at"][14:19], each["error"]) for each in row.attempts]
    assert seconds == [(1, "00:00", "Not now."), (2, "00:10", "Not now."), (3, "00:30", "Not now."), (4, "01:10", "")]
    assert {key for key, _ in stage.world.effects} == {f"{run_id}:one:0"}
    assert ("one", "warn", "Attempt 1 failed, trying again in 10 s: Not now.") in stage.told(run_id)


async def test_a_step_that_never_succeeds_fails_with_its_last_error_after_its_attempts(database: Database) -> None:
    step = {"action": "contoso.write", "with": {"do": [["error"]]}, "retry": {"attempts": 2, "backoff": "1 s"}}
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    assert (await stage.carry(run_id))["error"] == "one: Not now."
    assert [attempt for _, attempt, _ in stage.world.calls] == [1, 2]


async def test_a_crash_keeps_the_count_of_attempts_and_the_inputs(database: Database) -> None:
    step = {
        "action": "contoso.write",
        "with": {"do": [["error"], ["ok"]], "value": "${steps.beside.step}"},
        "retry": {"attempts": 2, "backoff": "1 s"},
    }
    stage = Stage.set(database, {"one": step, "beside": {"action": "contoso.read"}})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    stage.time.pass_by(1)
    stage.world.crash_at = stage.world.moments + 1
    with pytest.raises(Crash):
        await stage.runner().advance(run_id)
    assert stage.steps(run_id)["one"].attempt == 2
    stage.time.pass_by(LEASE)
    assert (await stage.carry(run_id, stage.runner("second")))["status"] == "succeeded"
    assert stage.steps(run_id)["one"].attempt == 2
    # What it was first called with, although the document has more in it by now.
    assert stage.world.inputs["one"] is None


async def test_a_refusal_is_not_tried_again(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write", "with": {"do": [["refuse"]]}, "retry": {}}})
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "failed"
    assert len(stage.world.calls) == 1


async def test_a_step_that_is_not_let_through_waits_visibly_and_needs_no_retry_for_it(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.once"}})
    stage.world.hooks["one"] = held_back(2, Result())
    run_id = stage.request()
    await stage.runner().advance(run_id)
    waiting = stage.steps(run_id)["one"]
    assert (waiting.status, waiting.error, waiting.attempt) == (StepStatus.WAITING, "The budget is spent.", 1)
    assert waiting.wake_at == NOON + timedelta(seconds=40)
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert stage.time.now - NOON == timedelta(seconds=80)
    assert stage.world.calls == [("one", 1, None)] * 3
    assert ("one", "info", "Waiting 40 s: The budget is spent.") in stage.told(run_id)


async def test_a_resumed_step_that_is_not_let_through_goes_on_where_it_was(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.once"}})
    wait = Wait(until=NOON + timedelta(seconds=10), state={"action": "a-1"})
    stage.world.hooks["one"] = held_back(1, Result(), wait=wait)
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert stage.world.calls == [("one", 1, None), *[("one", 1, {"action": "a-1"})] * 2]
    assert stage.time.now - NOON == timedelta(seconds=50)


async def test_a_step_that_waits_for_an_account_goes_on_when_that_changes_and_says_so_once(embedded: Database) -> None:
    stage = Stage.set(embedded, {"one": {"action": "contoso.write", "timeout": "10 min"}})
    failed = ActionError(
        "The account has failed.", code="account_failed", permanent=False, retry_after=300.0, topics=("account:a-1",)
    )
    answers: list[Exception | None] = [failed, failed, None]

    async def act(_: Context) -> Result:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return Result()

    stage.world.hooks["one"] = act
    run_id = stage.request()
    await stage.runner().advance(run_id)
    waiting = stage.steps(run_id)["one"]
    assert (waiting.status, waiting.error, waiting.attempt) == (StepStatus.WAITING, "The account has failed.", 1)
    assert waiting_topics(stage) == ["account:a-1"]
    for _ in range(2):
        embedded.run_now(lambda tx: tx.changed(stage.organization_id, "account", "a-1", "healthy"))
        embedded.run_now(lambda tx: wakes.wake(tx, ["account:a-1"]))
        await stage.runner().advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"
    assert stage.time.now == NOON
    assert waiting_topics(stage) == []
    assert [line for line in stage.told(run_id) if "Waiting" in line[2]] == [
        ("one", "info", "Waiting: The account has failed.")
    ]


@pytest.mark.parametrize("action", ["contoso.pure", "contoso.read"])
async def test_a_change_wakes_the_step_that_waits_for_it(database: Database, action: str) -> None:
    stage = Stage.set(database, {"one": {"action": action, "with": {"do": [["topic case:7", "wait 5", "ok"]]}}})
    run_id = stage.request()
    stage.change("case:7")
    assert await stage.runner().advance(run_id) is None
    assert stage.run(run_id)["status"] == "waiting"
    assert stage.change("case:8") == []
    assert stage.change("case:7") == [(run_id, stage.organization_id, 1)]
    assert await stage.runner().advance(run_id) == (2, NOON + timedelta(seconds=5))
    # It waits for a time now, and changes are nothing to it any more.
    assert stage.change("case:7") == []
    assert waiting_topics(stage) == []
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert [resumed for _, _, resumed in stage.world.calls] == [None, 1, 2]


@pytest.mark.parametrize("action", ["contoso.pure", "contoso.read"])
async def test_a_change_that_comes_during_the_call_wakes_too(database: Database, action: str) -> None:
    stage = Stage.set(database, {"one": {"action": action, "with": {"do": [["topic case:7", "ok"]]}}})

    async def act(context: Context) -> Result | Wait:
        if context.resumed is not None:
            return Result()
        await asyncio.to_thread(stage.change, "case:7")
        return Wait(topics=("case:7", "case:7"))

    stage.world.hooks["one"] = act
    run_id = stage.request()
    assert await stage.runner().advance(run_id) is None
    assert stage.run(run_id)["status"] == "succeeded"
    assert waiting_topics(stage) == []


@pytest.mark.parametrize("action", ["contoso.pure", "contoso.read"])
async def test_an_action_that_waits_for_the_past_is_not_called_without_end(database: Database, action: str) -> None:
    stage = Stage.set(database, {"one": {"action": action}})

    async def act(context: Context) -> Result | Wait:
        return Wait(until=stage.time.now - timedelta(hours=1))

    stage.world.hooks["one"] = act
    run_id = stage.request()
    assert await stage.runner().advance(run_id) == (1, NOON + timedelta(seconds=1))
    assert len(stage.world.calls) == 2
