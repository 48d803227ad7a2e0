"""Loops in loops: a component with a loop that is itself called for each item."""

from typing import Any

import pytest

from ringfence.playbooks import loops
from ringfence.playbooks.rounds import of_item, outer_of
from ringfence.runs import deciding
from ringfence.storage import Database
from run_world import Fragile, Stage

Steps = dict[str, dict[str, Any]]

MANY: Steps = {
    "each": {"action": "contoso.write", "for_each": "${inputs.hosts}", "parallel": 2, "with": {"value": "${item}"}},
    "then": {"action": "contoso.pure", "after": "each.each", "with": {"value": "${[item, index]}"}},
    "sum": {"action": "contoso.pure", "after": "each", "with": {"value": "${steps.each.count}"}},
}


def staged(database: Database, inside: Steps = MANY, **more: Any) -> Stage:
    call = {"component": "Many", "version": "1.0", "inputs": {"hosts": "${item}"}}
    steps: Steps = {
        "all": {"action": "playbook.call", "for_each": "${trigger.groups}", "parallel": 2, "with": call, **more},
        "tell": {"action": "contoso.pure", "after": "all", "with": {"value": "${steps.all.results[].count}"}},
    }
    stage = Stage.set(database, steps)
    outputs = {"count": {"type": "number", "value": "${steps.each.count}"}}
    stage.component("Many", inside, inputs={"hosts": {"type": "list"}}, outputs=outputs)
    return stage


async def test_a_loop_in_a_component_goes_over_its_own_list_for_each_item_of_the_outer_one(database: Database) -> None:
    stage = staged(database)
    run_id = stage.request(groups=[["a", "b", "c"], [], ["d"]])
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("succeeded", "")
    assert stage.world.inputs["tell"] == [3, 0, 1]
    found = stage.rounds(run_id)
    second = of_item(of_item(0, 1), 2)
    assert (found["all/each", second].input["value"], found["all/then", second].input["value"]) == ("b", ["b", 1])
    assert found["all/each", of_item(0, 2)].output == {"count": 0, "results": [], "failed": []}
    written = {key for key, _ in stage.world.effects}
    rounds_ = [(1, 1), (1, 2), (1, 3), (3, 1)]
    assert written == {f"{run_id}:all/each:{of_item(of_item(0, outer), inner)}" for outer, inner in rounds_}
    assert ("all/each", "info", "[1, 2] Done.") in stage.told(run_id)


async def test_an_item_of_an_inner_loop_that_fails_fails_its_loop_its_component_and_the_outer_item(
    embedded: Database,
) -> None:
    inside: Steps = {"each": {**MANY["each"], "with": {"do": "${item}"}}}
    stage = staged(embedded, inside)
    run_id = stage.request(groups=[[[["ok"]], [["refuse"]]], [[["ok"]]]])
    run = await stage.carry(run_id)
    assert run["error"] == ("all: 1 of 2 items failed. all[1]: each: 1 of 2 items failed. all/each[2]: Never.")
    assert (stage.steps(run_id)["all"].error_code, stage.steps(run_id)["all"].permanent) == ("refused", True)


@pytest.mark.parametrize(("most", "at_work"), [(100, [2, 2]), (5, [1, 2]), (1, [1, 1])])
async def test_each_loop_keeps_to_its_own_bound_and_all_together_to_that_of_the_run(
    embedded: Database, monkeypatch: pytest.MonkeyPatch, most: int, at_work: list[int]
) -> None:
    monkeypatch.setattr(deciding, "MAX_AT_WORK", most)
    inside: Steps = {"each": {**MANY["each"], "with": {"do": [["wait 5", "ok"]]}}}
    stage = staged(embedded, inside)
    run_id = stage.request(groups=[[1, 2, 3, 4]] * 3)
    await stage.runner().advance(run_id)
    waiting = [outer_of(step.iteration) for step in stage.rounds(run_id).values() if step.status == "waiting"]
    assert sorted(waiting.count(number) for number in (1, 2, 3)) == [0, *at_work]
    assert (await stage.carry(run_id))["status"] == "succeeded"


async def test_loops_of_a_run_go_over_so_many_items_in_all(embedded: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "MAX_ITEMS_OF_A_RUN", 7)
    stage = staged(embedded, parallel=1)
    run_id = stage.request(groups=[["a", "b"], ["c", "d", "e"], ["f"]])
    run = await stage.carry(run_id)
    assert run["status"] == "failed"
    assert "`for_each` gives 3 items more; the loops of a run go over 7 in all." in run["error"]
    assert [len(value) for value in (stage.steps(run_id)["all"].output["failed"],)] == [1]


async def test_a_step_of_an_inner_loop_can_end_the_run(embedded: Database) -> None:
    inside: Steps = {"each": {**MANY["each"], "parallel": 1, "with": {"do": "${item}"}}}
    stage = staged(embedded, inside, parallel=1)
    run_id = stage.request(groups=[[[["ok"]], [["stopped_failed"]], [["ok"]]], [[["ok"]]]])
    assert (await stage.carry(run_id))["status"] == "failed"
    assert len(stage.world.effects) == 2
    assert stage.steps(run_id)["tell"].status == "skipped"


@pytest.mark.parametrize("ends", ["before", "after"])
async def test_a_process_may_end_at_every_boundary_of_a_loop_in_a_loop(
    embedded: Database, ends: str, request: pytest.FixtureRequest
) -> None:
    inside: Steps = {"each": {**MANY["each"], "with": {"do": [["wait 5", "ok"]], "value": "${item}"}}}
    stage = staged(embedded, inside)
    fragile = Fragile(embedded.url, threads=2)
    request.addfinalizer(fragile.close)
    fragile.world, fragile.ends = stage.world, ends
    for crash_at in range(1, 80):
        stage.world.effects.clear()
        stage.world.moments, stage.world.crash_at = 0, crash_at
        run_id = stage.request(groups=[["a", "b"], ["c"]])
        crashed = await stage.crash_and_inherit(run_id, fragile)
        assert stage.run(run_id)["status"] == "succeeded"
        assert len({key for key, _ in stage.world.effects}) == 3
        assert stage.world.inputs["tell"] == [2, 1]
        if not crashed:
            break
    assert not crashed
