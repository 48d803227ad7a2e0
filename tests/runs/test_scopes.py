"""Loops: what is done for each item, in which order, and what becomes of it."""

from typing import Any

import pytest

from ringfence.storage import Database
from run_world import Stage

Steps = dict[str, dict[str, Any]]


@pytest.fixture
def database(embedded: Database) -> Database:
    return embedded


async def test_a_loop_does_its_action_for_each_item_and_keeps_the_results_in_order(database: Database) -> None:
    steps: Steps = {
        "scan": {
            "action": "contoso.write",
            "for_each": "${trigger.hosts}",
            "parallel": 2,
            "with": {"value": {"host": "${item}", "at": "${index}"}},
        },
        "tell": {"action": "contoso.pure", "after": "scan", "with": {"value": "${steps.scan}"}},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request(hosts=["fin-ws-014", "fin-ws-015", "fin-ws-016"])
    assert (await stage.carry(run_id))["status"] == "succeeded"
    found = stage.rounds(run_id)
    given = [found["scan", number].input["value"] for number in (1, 2, 3)]
    assert given == [{"host": f"fin-ws-01{4 + at}", "at": at} for at in range(3)]
    assert (found["scan", 0].status, found["scan", 0].outcome) == ("succeeded", "done")
    result = {"step": "scan", "effects": 0}
    assert found["tell", 0].input["value"] == {"count": 3, "results": [result] * 3, "failed": []}
    assert [key for key, _ in stage.world.effects] == [f"{run_id}:scan:{number}" for number in (1, 2, 3)]


EACH: Steps = {
    "scan": {
        "action": "contoso.read",
        "for_each": "${trigger.hosts}",
        "parallel": 2,
        "with": {"do": "${item.do}", "value": "${item.name}"},
        "retry": {"attempts": 2, "backoff": "10 s"},
        "on_error": "tell",
    },
    "risky": {"action": "contoso.write", "after": "scan.yes", "with": {"value": "${[index, steps.scan.step]}"}},
    "calm": {"action": "contoso.write", "after": "scan.no"},
    "close": {"action": "contoso.pure", "after": ["risky", "calm"], "join": "any", "with": {"value": "${item.name}"}},
    "report": {"action": "contoso.pure", "after": "scan", "with": {"value": "${[steps.scan, steps.risky]}"}},
    "tell": {"action": "contoso.write", "after": "scan.error", "with": {"value": "${steps.scan.failed}"}},
}
"""A loop whose items go different ways."""


def host(number: int, *tries: str) -> dict[str, Any]:
    return {"name": f"fin-ws-{number:03}", "do": [each.split(", ") for each in tries]}


async def test_what_follows_each_item_is_done_for_each_and_what_follows_the_loop_once(database: Database) -> None:
    stage = Stage.set(database, EACH)
    run_id = stage.request(hosts=[host(0, "yes"), host(1, "wait 60, no"), host(2, "error", "yes")])
    assert (await stage.carry(run_id))["status"] == "succeeded"
    found = stage.rounds(run_id)
    ended = {key: str(step.status) for key, step in found.items() if key[1]}
    assert [ended["risky", number] for number in (1, 2, 3)] == ["succeeded", "skipped", "succeeded"]
    assert [ended["calm", number] for number in (1, 2, 3)] == ["skipped", "succeeded", "skipped"]
    assert [found["close", number].input["value"] for number in (1, 2, 3)] == [f"fin-ws-00{at}" for at in range(3)]
    assert found["scan", 3].attempt == 2
    scanned, risky = found["report", 0].input["value"]
    assert (scanned["count"], scanned["failed"]) == (3, [])
    assert [each and each["step"] for each in risky] == ["risky", None, "risky"]
    assert found["risky", 3].input["value"] == [2, "scan"]
    assert found["tell", 0].status == "skipped"


async def test_an_item_that_fails_lets_the_others_go_on_and_fails_the_loop_with_what_there_is(
    database: Database,
) -> None:
    stage = Stage.set(database, EACH)
    hosts = [host(0, "yes"), host(1, "refuse"), host(2, "error"), host(3, "no")]
    run_id = stage.request(hosts=hosts)
    run = await stage.carry(run_id)
    found = stage.rounds(run_id)
    scan = found["scan", 0]
    assert (run["status"], scan.status, scan.outcome) == ("partly_failed", "failed", None)
    assert scan.error == "2 of 4 items failed. scan[2]: Never. scan[3]: Not now."
    assert [each and each["step"] for each in scan.output["results"]] == ["scan", None, None, "scan"]
    assert found["tell", 0].input["value"] == [{"index": 1, "error": "Never."}, {"index": 2, "error": "Not now."}]
    assert found["report", 0].status == "skipped"
    assert stage.world.keys() == ["risky", "calm", "tell"]


async def test_an_item_has_failed_where_a_step_that_follows_it_has(database: Database) -> None:
    steps: Steps = {
        "one": {"action": "contoso.pure", "for_each": [1, 2]},
        "two": {"action": "contoso.write", "after": "one.each", "with": {"do": [["refuse"]]}, "if": "item == `2`"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("failed", "one: 1 of 2 items failed. one[2]: two: Never.")
    assert stage.steps(run_id)["one"].output["results"] == [{"step": "one", "effects": 0}] * 2


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (None, "gives null where a list is needed"),
        ("fin-ws-014", "gives a value of type text where"),
        ({"a": 1}, "gives a value of type object where"),
        (list(range(1001)), "gives 1001 items; a loop goes over 1000 at most"),
    ],
)
async def test_what_is_no_list_or_too_long_a_one_fails_the_loop_before_anything_is_done(
    database: Database, hosts: object, said: str
) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write", "for_each": "${trigger.hosts}"}})
    run_id = stage.request(hosts=hosts)
    run = await stage.carry(run_id)
    assert run["status"] == "failed"
    assert said in run["error"]
    assert stage.world.calls == []


async def test_a_loop_over_nothing_is_done_at_once(database: Database) -> None:
    stage = Stage.set(database, EACH)
    run_id = stage.request(hosts=[])
    assert (await stage.carry(run_id))["status"] == "succeeded"
    found = stage.rounds(run_id)
    assert (found["scan", 0].outcome, found["scan", 0].output["count"]) == ("done", 0)
    assert found["report", 0].status == "succeeded"
    assert all(iteration == 0 for _, iteration in found)


async def test_no_more_items_are_at_work_than_may_be_also_while_they_wait(database: Database) -> None:
    steps: Steps = {
        "one": {
            "action": "contoso.write",
            "for_each": [0, 1, 2, 3, 4],
            "parallel": 2,
            "with": {"do": [["wait 60", "ok"]]},
        }
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    open_at_once = []
    for _ in range(3):
        await stage.runner().advance(run_id)
        waiting = [step for step in stage.rounds(run_id).values() if step.status == "waiting"]
        open_at_once.append(len(waiting))
        stage.time.pass_by(60)
    assert open_at_once == [2, 2, 1]
    assert (await stage.carry(run_id))["status"] == "succeeded"


async def test_an_item_that_stops_the_run_lets_those_at_work_end_and_begins_no_more(database: Database) -> None:
    steps: Steps = {
        "one": {
            "action": "contoso.write",
            "for_each": [["ok"], ["stopped_failed"], ["ok"]],
            "with": {"do": "${[item]}"},
        },
        "two": {"action": "contoso.write", "after": "one"},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    found = stage.rounds(run_id)
    assert (run["status"], found["one", 0].outcome, found["two", 0].status) == ("failed", "stopped_failed", "skipped")
    assert ("one", 3) not in found


async def test_a_loop_begins_no_more_items_when_a_step_beside_it_stops_the_run(database: Database) -> None:
    steps: Steps = {
        "one": {"action": "contoso.write", "for_each": [1, 2, 3], "with": {"do": [["wait 60", "ok"]]}},
        "stop": {"action": "contoso.write", "with": {"do": [["wait 30", "stopped_failed"]]}},
    }
    stage = Stage.set(database, steps)
    run_id = stage.request()
    run = await stage.carry(run_id)
    found = stage.rounds(run_id)
    assert (run["status"], found["one", 0].status) == ("failed", "cancelled")
    assert found["one", 0].error == "The run was stopped: 1 of 3 items were begun."
    assert (found["one", 1].status, ("one", 2) in found) == ("skipped", False)
