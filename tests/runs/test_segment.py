"""Steps of a held run: their order, retries, waits, timeouts and what becomes of them when something ends too early."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ringfence.actions import ActionError, Context, Result, Wait
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import wakes
from ringfence.storage import Database, changes
from ringfence.storage.tables import wakes as wakes_table
from run_world import LEASE, NOON, Crash, Stage

Steps = dict[str, dict[str, Any]]


def states(stage: Stage, run_id: str) -> dict[str, str]:
    return {name: step.status.value for name, step in stage.steps(run_id).items()}


def waiting_topics(stage: Stage) -> list[str]:
    return list(stage.database.read_now(lambda tx: tx.execute(sa.select(wakes_table.c.topic)).scalars().all()))


async def test_conditions_skip_and_joins_meet(database: Database) -> None:
    steps: Steps = {
        "risky": {"action": "contoso.pure", "with": {"do": [["yes"]]}},
        "isolate": {"action": "contoso.contain", "after": "risky.yes"},
        "leave": {"action": "contoso.write", "after": "risky.no"},
        "after_leave": {"action": "contoso.write", "after": "leave"},
        "never": {"action": "contoso.write", "after": "isolate", "if": "steps.isolate.step == 'other'"},
        "tell": {"action": "contoso.write", "after": ["isolate", "leave"], "join": "any"},
        "both": {"action": "contoso.write", "after": ["isolate", "leave"]},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["status"] == "succeeded"
    assert states(stage, run_id) == {
        "risky": "succeeded",
        "isolate": "succeeded",
        "leave": "skipped",
        "after_leave": "skipped",
        "never": "skipped",
        "tell": "succeeded",
        "both": "skipped",
    }
    assert stage.world.keys() == ["isolate", "tell"]
    skipped = stage.steps(run_id)["never"]
    assert (skipped.started_at, skipped.finished_at) == (None, None)


@pytest.mark.parametrize("handled", [True, False])
async def test_a_failure_is_the_run_s_unless_a_step_handles_it(database: Database, handled: bool) -> None:
    steps: Steps = {"isolate": {"action": "contoso.contain", "with": {"do": [["refuse"]]}}}
    if handled:
        steps["isolate"]["on_error"] = "tell"
        steps["tell"] = {"action": "contoso.write"}
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["status"] == ("partly_failed" if handled else "failed")
    assert run["error"] == "isolate: Never."
    assert stage.world.keys() == ["isolate", "tell"][: 1 + handled]


async def test_an_input_that_cannot_be_had_fails_the_step_without_calling_it(database: Database) -> None:
    steps: Steps = {"one": {"action": "contoso.write", "with": {"value": "${sort(trigger.host)}"}, "retry": {}}}
    stage = Stage.set(database, steps)
    run_id = stage.request(host="not a list")
    run = await stage.carry(run_id)
    assert run["status"] == "failed"
    assert "sort()" in run["error"]
    assert stage.world.calls == []


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


def held_back(times: int, then: Result | Wait, *, wait: Wait | None = None) -> Callable[[Context], Awaitable[Any]]:
    """Wait where there is a wait, then be not let through so many times, and then end."""
    answers: list[Wait | ActionError | Result] = [*([wait] if wait else [])]
    answers += [ActionError("The budget is spent.", code="BudgetSpent", permanent=False, retry_after=40.0)] * times
    answers.append(then)

    async def act(_: Context) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, ActionError):
            raise answer
        return answer

    return act


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


async def test_a_step_that_is_not_let_through_before_its_timeout_fails(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write", "timeout": "1 min"}})
    stage.world.hooks["one"] = held_back(2, Result())
    run_id = stage.request()
    assert (await stage.carry(run_id))["error"] == "one: The budget is spent. There is no time left to try again."


async def test_a_retry_that_would_come_after_the_timeout_is_not_waited_for(database: Database) -> None:
    step = {
        "action": "contoso.write",
        "with": {"do": [["error"]]},
        "retry": {"attempts": 9, "backoff": "20 s"},
        "timeout": "1 min",
    }
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["error"] == "one: Not now. There is no time left to try again."
    assert stage.time.now - NOON == timedelta(seconds=20)


async def test_a_retry_that_comes_too_late_does_not_begin(database: Database) -> None:
    step = {
        "action": "contoso.write",
        "with": {"do": [["error"], ["ok"]]},
        "retry": {"attempts": 9, "backoff": "20 s"},
        "timeout": "1 min",
    }
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    stage.time.pass_by(60)
    assert (await stage.carry(run_id))["error"] == "one: The step did not end within 60 s. Not now."
    assert len(stage.world.calls) == 1


@pytest.mark.parametrize("action", ["contoso.pure", "contoso.contain"])
async def test_a_wait_ends_with_the_timeout_of_its_step(database: Database, action: str) -> None:
    step = {"action": action, "with": {"do": [["topic case:7", "topic case:7"]]}, "timeout": "30 min"}
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    assert await stage.runner().advance(run_id) == (1, NOON + timedelta(minutes=30))
    run = await stage.carry(run_id)
    assert run["error"] == "one: The step did not end within 1800 s."
    assert waiting_topics(stage) == []


async def test_what_came_while_nobody_looked_counts_although_the_timeout_has_passed(database: Database) -> None:
    step = {"action": "contoso.contain", "with": {"do": [["topic case:7", "ok"]]}, "timeout": "30 min"}
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    stage.time.pass_by(2 * 3600)
    assert (await stage.carry(run_id))["status"] == "succeeded"


async def test_a_call_that_does_not_come_back_is_cut_off(database: Database) -> None:
    step = {
        "action": "contoso.write",
        "with": {"do": [["error"], ["ok"]]},
        "retry": {"attempts": 2, "backoff": "1 s"},
        "timeout": "1010 ms",
    }
    stage = Stage.set(database, {"one": step})
    run_id = stage.request()
    await stage.runner().advance(run_id)
    stage.time.pass_by(1)
    stage.world.gate("one")
    run = await stage.carry(run_id)
    assert run["status"] == "failed"
    assert "contoso.write did not answer within 0.01 s." in run["error"]


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


async def test_hostile_outputs_errors_and_lines_are_kept_or_cut_and_never_stop_a_run(database: Database) -> None:
    evil = "a\x00b\ud800\u202e"
    steps: Steps = {
        "output": {"action": "contoso.read"},
        "wait": {"action": "contoso.read"},
        "error": {"action": "contoso.read", "with": {"value": "${trigger.evil}"}},
        "large": {"action": "contoso.read"},
        "next": {"action": "contoso.read", "after": "output", "with": {"value": "${steps.output.evil}"}},
    }
    stage = Stage.set(database, steps)

    async def output(context: Context) -> Result:
        context.log("info", evil * 10_000, evil=evil)
        context.log("info", "odd", odd=object())  # type: ignore[arg-type]
        return Result(output={"evil": evil})

    async def wait(context: Context) -> Result | Wait:
        return (
            Result() if context.resumed == {"evil": evil} else Wait(topics=(f"case:{evil}", evil), state={"evil": evil})
        )

    async def error(context: Context) -> Result:
        raise ActionError(evil * 100_000, code="evil", permanent=True)

    async def large(context: Context) -> Result:
        return Result(output="x" * 2_000_000)

    stage.world.hooks.update(output=output, wait=wait, error=error, large=large)
    run_id = stage.request(evil=evil)
    await stage.runner().advance(run_id)
    stage.change("case:a\ufffdb?\u202e")
    run = await stage.carry(run_id)
    assert states(stage, run_id) == {
        "output": "succeeded",
        "wait": "succeeded",
        "error": "failed",
        "large": "failed",
        "next": "succeeded",
    }
    assert stage.steps(run_id)["output"].output == {"evil": evil}
    assert stage.world.inputs["next"] == evil
    assert len(stage.steps(run_id)["error"].error) == 2_000
    assert len(run["error"]) <= 2_000
    lines = {message[:3]: message for step, _, message in stage.told(run_id) if step == "output"}
    assert len(lines["a\ufffdb"]) == 4_000
    assert "odd" in lines


@pytest.mark.parametrize(
    ("log_level", "levels"),
    [("error", []), ("warn", ["warn"]), ("info", ["warn", "info"]), ("debug", ["debug", "warn", "debug", "debug", "info"]),
     ("trace", ["debug", "trace", "warn", "debug", "trace", "debug", "info", "trace"])],
)  # fmt: skip
async def test_the_log_keeps_what_the_playbook_s_level_wants(
    database: Database, log_level: str, levels: list[str]
) -> None:
    script = [["error"], ["wait 5", "ok"]]
    step = {"action": "contoso.read", "with": {"do": script}, "retry": {"attempts": 2, "backoff": "1 s"}}
    stage = Stage.set(database, {"one": step}, log_level=log_level)
    run_id = stage.request()
    await stage.carry(run_id)
    assert [level for _, level, _ in stage.told(run_id)] == levels


async def test_a_step_can_end_the_run_while_others_wait_or_are_at_work(embedded: Database) -> None:
    steps: Steps = {
        "asks": {"action": "contoso.read", "with": {"do": [["wait 600", "ok"]]}},
        "slow": {"action": "contoso.write"},
        "halt": {"action": "contoso.read", "with": {"do": [["stopped_failed"]]}},
        "more": {"action": "contoso.write", "after": "slow"},
    }
    stage = Stage.set(embedded, steps)
    gate = stage.world.gate("slow")

    async def say(context: Context) -> Result:
        await stage.world.begun["slow"].wait()
        gate.set()
        return Result("stopped_failed", {"reason": "Enough."})

    stage.world.hooks["halt"] = say
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("failed", "Enough.")
    assert states(stage, run_id) == {"asks": "skipped", "slow": "succeeded", "halt": "succeeded", "more": "skipped"}
    assert stage.world.keys() == ["slow"]
