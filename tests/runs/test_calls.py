"""Components inside a run: what their steps see, how they end, and that whoever carries the run on finds them again."""

from typing import Any

import pytest

from ringfence.storage import Database
from run_world import Fragile, Stage, states

Steps = dict[str, dict[str, Any]]

LOOK: Steps = {
    "machine": {"action": "contoso.read", "with": {"value": "${inputs.machine}"}},
    "risky": {
        "action": "contoso.pure",
        "after": "machine",
        "with": {"do": [["yes"]], "value": "${steps.machine.step}"},
    },
    "tag": {"action": "contoso.write", "after": "risky.yes", "with": {"value": "${inputs.tag}"}},
    "calm": {"action": "contoso.write", "after": "risky.no"},
}
HEAD = {
    "inputs": {"machine": {"type": "string", "required": True}, "tag": {"type": "string", "default": "seen"}},
    "outputs": {
        "name": {"type": "string", "value": "Of ${inputs.machine}: ${steps.machine.step}"},
        "calm": {"type": "object", "value": "${steps.calm}"},
    },
}


def calling(**more: Any) -> Steps:
    call = {"component": "Look", "version": "1.0", "inputs": {"machine": "${trigger.host}"}}
    return {
        "first": {"action": "contoso.read"},
        "look": {"action": "playbook.call", "after": "first", "with": call, **more},
        "tell": {"action": "contoso.write", "after": "look", "with": {"value": "${steps.look}"}},
        "cry": {"action": "contoso.write", "after": "look.error", "with": {"value": "${steps.look}"}},
    }


async def test_a_component_runs_in_the_run_of_its_caller(database: Database) -> None:
    stage = Stage.set(database, calling())
    stage.component("Look", LOOK, **HEAD)
    run_id = stage.request(host="fin-ws-014")
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert states(stage, run_id) == {
        "first": "succeeded",
        "look/(inputs)": "succeeded",
        "look/machine": "succeeded",
        "look/risky": "succeeded",
        "look/tag": "succeeded",
        "look/calm": "skipped",
        "look": "succeeded",
        "tell": "succeeded",
        "cry": "skipped",
    }
    assert stage.world.inputs["look/machine"] == "fin-ws-014"
    assert stage.world.inputs["look/tag"] == "seen"
    assert stage.world.inputs["look/risky"] == "look/machine"
    outputs = {"name": "Of fin-ws-014: look/machine", "calm": None}
    assert stage.world.inputs["tell"] == outputs
    assert stage.steps(run_id)["look"].output == outputs


async def test_a_component_that_fails_fails_its_call_which_the_caller_may_handle(embedded: Database) -> None:
    stage = Stage.set(embedded, calling())
    failing = {**LOOK, "tag": {**LOOK["tag"], "with": {"do": [["refuse"]]}}}
    stage.component("Look", failing, **HEAD)
    run_id = stage.request(host="fin-ws-014")
    assert (await stage.carry(run_id))["status"] == "partly_failed"
    look = stage.steps(run_id)["look"]
    assert (look.status, look.error) == ("failed", "tag: Never.")
    assert stage.world.keys() == ["look/tag", "cry"]


async def test_what_a_component_handles_itself_is_no_failure_of_the_call(embedded: Database) -> None:
    stage = Stage.set(embedded, calling())
    failing: Steps = {
        **LOOK,
        "tag": {**LOOK["tag"], "with": {"do": [["refuse"]]}, "on_error": "other"},
        "other": {"action": "contoso.write"},
    }
    stage.component("Look", failing, **HEAD)
    run_id = stage.request(host="fin-ws-014")
    await stage.carry(run_id)
    assert stage.steps(run_id)["look"].status == "succeeded"
    assert stage.world.keys() == ["look/tag", "look/other", "tell"]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"inputs": {"machine": {"type": "number"}}}, "Look 1.0: The input 'machine' is a number, not a text."),
        ({"inputs": {}}, "Look 1.0: There is no input 'machine'; there are: none."),
        (
            {"outputs": {"name": {"type": "list", "value": "x"}}},
            "Look 1.0: The output 'name' is a list, but its value came out as a text.",
        ),
        ({"outputs": {"name": {"type": "list", "value": "${abs(inputs.machine)}"}}}, "The expression"),
    ],
)
async def test_values_of_another_type_fail_the_call(embedded: Database, head: dict[str, Any], said: str) -> None:
    stage = Stage.set(embedded, calling())
    stage.component("Look", LOOK, **{**HEAD, **head})
    run_id = stage.request(host="fin-ws-014")
    await stage.carry(run_id)
    look = stage.steps(run_id)["look"]
    assert look.status == "failed"
    assert look.error.startswith(said)
    assert (stage.world.keys().count("look/tag") == 1) == ("outputs" in head)


@pytest.mark.parametrize("why", ["if", "after"])
async def test_a_call_that_is_skipped_skips_the_whole_component(embedded: Database, why: str) -> None:
    steps = calling(**({"if": "trigger.other"} if why == "if" else {"after": "first.no"}))
    stage = Stage.set(embedded, steps)
    stage.component("Look", LOOK, **HEAD)
    run_id = stage.request(host="fin-ws-014")
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert {name for name, state in states(stage, run_id).items() if state != "skipped"} == {"first"}


async def test_components_call_components_and_each_sees_its_own(embedded: Database) -> None:
    inner = {"component": "Look", "version": "1.0", "inputs": {"machine": "${inputs.host}", "tag": "deep"}}
    middle: Steps = {
        "machine": {"action": "contoso.pure"},
        "deep": {"action": "playbook.call", "after": "machine", "with": inner},
        "also": {"action": "contoso.pure", "after": "deep", "with": {"value": "${steps.deep.name}"}},
    }
    call = {"component": "Middle", "version": "1.0", "inputs": {"host": "${trigger.host}"}}
    stage = Stage.set(embedded, {"outer": {"action": "playbook.call", "with": call}})
    stage.component("Look", LOOK, **HEAD)
    outputs = {"said": {"type": "string", "value": "${steps.deep.name}"}}
    stage.component("Middle", middle, inputs={"host": {"type": "string"}}, outputs=outputs)
    run_id = stage.request(host="fin-ws-014")
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert stage.world.inputs["outer/deep/tag"] == "deep"
    assert stage.world.inputs["outer/also"] == "Of fin-ws-014: outer/deep/machine"
    assert stage.steps(run_id)["outer"].output == {"said": "Of fin-ws-014: outer/deep/machine"}


async def test_a_loop_calls_a_component_for_each_item(embedded: Database) -> None:
    call = {"component": "Look", "version": "1.0", "inputs": {"machine": "${item}"}}
    steps: Steps = {
        "all": {"action": "playbook.call", "for_each": "${trigger.hosts}", "parallel": 2, "with": call},
        "tell": {"action": "contoso.write", "after": "all", "with": {"value": "${steps.all.results[].name}"}},
    }
    stage = Stage.set(embedded, steps)
    stage.component("Look", LOOK, **HEAD)
    run_id = stage.request(hosts=["one", "two", "three"])
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("succeeded", "")
    assert stage.world.inputs["tell"] == [f"Of {name}: all/machine" for name in ("one", "two", "three")]


async def test_a_loop_inside_a_component_is_carried_out(embedded: Database) -> None:
    inside: Steps = {
        "each": {"action": "contoso.write", "for_each": "${inputs.hosts}", "with": {"value": "${item}"}},
        "then": {"action": "contoso.pure", "after": "each", "with": {"value": "${steps.each.count}"}},
    }
    call = {"component": "Many", "version": "1.0", "inputs": {"hosts": "${trigger.hosts}"}}
    stage = Stage.set(embedded, {"go": {"action": "playbook.call", "with": call}})
    outputs = {"count": {"type": "number", "value": "${steps.each.count}"}}
    stage.component("Many", inside, inputs={"hosts": {"type": "list"}}, outputs=outputs)
    run_id = stage.request(hosts=["one", "two"])
    run = await stage.carry(run_id)
    assert (run["status"], run["error"]) == ("succeeded", "")
    assert stage.steps(run_id)["go"].output == {"count": 2}
    assert stage.world.inputs["go/then"] == 2


async def test_a_newer_component_changes_neither_a_run_nor_a_version(embedded: Database) -> None:
    waiting = {**LOOK, "machine": {"action": "contoso.read", "with": {"do": [["wait 60", "ok"]]}}}
    stage = Stage.set(embedded, calling())
    stage.component("Look", waiting, **HEAD)
    run_id = stage.request(host="fin-ws-014")
    await stage.runner().advance(run_id)
    stage.component("Look", {"other": {"action": "contoso.write"}})
    assert (await stage.carry(run_id, stage.runner("heir")))["status"] == "succeeded"
    later = stage.request(host="fin-ws-014")
    assert (await stage.carry(later, stage.runner("third")))["status"] == "succeeded"
    assert "look/tag" in states(stage, later)


async def test_a_component_that_is_not_there_fails_the_run_and_says_so(embedded: Database) -> None:
    stage = Stage.set(embedded, calling())
    run = await stage.carry(stage.request(host="fin-ws-014"))
    assert run["status"] == "failed"
    assert "not published here" in run["error"]


@pytest.mark.parametrize("ends", ["before", "after"])
async def test_a_process_may_end_at_every_boundary_inside_a_component(
    embedded: Database, ends: str, request: pytest.FixtureRequest
) -> None:
    story: Steps = {
        **LOOK,
        "tag": {"action": "contoso.write", "after": "risky.yes", "with": {"do": [["wait 5", "ok"]]}},
    }
    stage = Stage.set(embedded, calling())
    stage.component("Look", story, **HEAD)
    fragile = Fragile(embedded.url, threads=2)
    request.addfinalizer(fragile.close)
    fragile.world, fragile.ends = stage.world, ends
    ended: set[tuple[tuple[str, str], ...]] = set()
    for crash_at in range(1, 60):
        stage.world.effects.clear()
        stage.world.moments, stage.world.crash_at = 0, crash_at
        run_id = stage.request(host="fin-ws-014")
        crashed = await stage.crash_and_inherit(run_id, fragile)
        ended.add(tuple(sorted(states(stage, run_id).items())))
        assert set(stage.world.keys()) == {"look/tag", "tell"}
        if not crashed:
            break
    assert not crashed
    assert len(ended) == 1
