"""Timeouts of steps."""

from datetime import timedelta
from typing import Any

import pytest

from ringfence.actions import Result
from ringfence.storage import Database
from run_world import NOON, Stage, held_back, waiting_topics

Steps = dict[str, dict[str, Any]]


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
