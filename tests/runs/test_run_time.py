"""How long a step, an item and a whole run may take, and after which errors a step is tried again."""

from datetime import timedelta
from typing import Any

import pytest

from ringfence.storage import Database
from run_world import NOON, Stage

Steps = dict[str, dict[str, Any]]


@pytest.fixture
def database(embedded: Database) -> Database:
    return embedded


async def test_a_run_begins_nothing_more_when_its_time_is_over_and_what_waits_is_looked_at_once_more(
    database: Database,
) -> None:
    steps: Steps = {
        "ask": {"action": "contoso.write", "with": {"do": [["topic case:7", "topic case:7"]]}},
        "tell": {"action": "contoso.write", "after": "ask"},
        "help": {"action": "contoso.write", "after": "ask.error"},
    }
    stage = Stage.set(database, steps, timeout="4 h")
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert stage.time.now - NOON == timedelta(hours=4)
    assert (run["status"], run["error"]) == (
        "failed",
        "The run did not end within 14400 s. Not begun: help. ask: The run did not end within 14400 s.",
    )
    rows = stage.steps(run_id)
    assert {name: (str(row.status), row.error) for name, row in rows.items()} == {
        "ask": ("failed", "The run did not end within 14400 s."),
        "help": ("skipped", "The run's time was over before its turn came."),
        "tell": ("skipped", ""),
    }
    assert [call for call in stage.world.calls if call[0] == "ask"] == [("ask", 1, None), ("ask", 1, 1)]


async def test_what_came_while_nobody_looked_counts_though_the_time_is_over(database: Database) -> None:
    stage = Stage.set(
        database, {"ask": {"action": "contoso.write", "with": {"do": [["wait 3600", "ok"]]}}}, timeout="1 h"
    )
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "succeeded"


async def test_a_loop_begins_no_more_items_when_the_run_s_time_is_over(database: Database) -> None:
    steps: Steps = {
        "one": {"action": "contoso.write", "for_each": [1, 2, 3], "with": {"do": [["wait 3000", "wait 3000", "ok"]]}}
    }
    stage = Stage.set(database, steps, timeout="1 h")
    run_id = stage.request()
    run = await stage.carry(run_id)
    loop = stage.steps(run_id)["one"]
    assert run["status"] == "failed"
    assert loop.error == "2 of 3 items failed. one[2] and one[3]: It was not begun."
    assert [each is not None for each in loop.output["results"]] == [True, False, False]


async def test_the_time_of_a_step_in_a_loop_is_each_item_s_own(database: Database) -> None:
    one = {"action": "contoso.write", "timeout": "1 min", "with": {"do": "${[['wait 40', item, 'wait 40']]}"}}
    steps: Steps = {"one": {**one, "for_each": ["ok", "wait 40"]}}
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert run["error"] == "one: 1 of 2 items failed. one[2]: The step did not end within 60 s."


async def test_a_step_is_tried_again_only_after_the_errors_that_it_names(database: Database) -> None:
    tries = {"with": {"do": [["error"], ["ok"]]}, "action": "contoso.write"}
    steps: Steps = {
        "named": {**tries, "retry": {"backoff": "1 s", "errors": ["timeout", "Busy"]}},
        "other": {**tries, "retry": {"backoff": "1 s", "errors": "timeout"}},
        "never": {**tries, "with": {"do": [["refuse"], ["ok"]]}, "retry": {"backoff": "1 s", "errors": ["refused"]}},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    await stage.carry(run_id)
    rows = stage.steps(run_id)
    assert {name: (str(row.status), row.attempt) for name, row in rows.items()} == {
        "named": ("succeeded", 2),
        "other": ("failed", 1),
        "never": ("failed", 1),
    }


async def test_pauses_grow_to_the_longest_and_no_further(database: Database) -> None:
    retry = {"attempts": 5, "backoff": "10 s", "max_backoff": "15 s"}
    stage = Stage.set(database, {"one": {"action": "contoso.write", "with": {"do": [["error"]]}, "retry": retry}})
    await stage.carry(stage.request())
    assert stage.time.now - NOON == timedelta(seconds=10 + 15 + 15 + 15)
