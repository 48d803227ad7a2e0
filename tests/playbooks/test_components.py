"""How a call stands in a plan; what becomes of it in a run is in tests/runs/test_calls.py."""

import pytest

from ringfence.actions.catalogue import Catalogue, discover
from ringfence.errors import Invalid
from ringfence.playbooks.calls import MAX_DEPTH
from ringfence.playbooks.components import ENTRY, compile_whole, crossed, narrowed
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Json, Playbook
from ringfence.playbooks.plan import Plan
from ringfence.playbooks.schedule import StepState, StepStatus, ready

CALL = "{{action: playbook.call, with: {{component: {name}, version: '1.0'}}}}"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def _component(name: str, *steps: str, head: str = "") -> Playbook:
    lines = "".join(f"  {step}\n" for step in steps)
    found = read(f"ringfence: 1\nkind: component\nname: {name}\n{head}steps:\n{lines}").playbook
    assert found is not None
    return found


def _playbook(*steps: str) -> Playbook:
    lines = "".join(f"  {step}\n" for step in steps)
    found = read(f"ringfence: 1\nname: Caller\ntrigger: {{type: manual}}\nsteps:\n{lines}").playbook
    assert found is not None
    return found


def _call(name: str) -> str:
    return CALL.format(name=name)


SET = "{action: logic.set, with: {values: {}}}"


def _plan(catalogue: Catalogue) -> Plan:
    inner = _component("Inner", f"a: {SET}", "b: {action: logic.set, after: a, if: inputs.x, with: {values: {}}}")
    return compile_whole(_playbook(f"go: {_call('Inner')}"), catalogue, {("Inner", "1.0"): inner})


def test_a_call_becomes_the_way_in_the_steps_and_the_way_back(catalogue: Catalogue) -> None:
    plan = _plan(catalogue)
    assert [step.name for step in plan.steps] == [f"go/{ENTRY}", "go/a", "go/b", "go"]
    assert [step.scope for step in plan.steps] == ["", "go/", "go/", ""]
    assert plan.by_name["go/a"].after[0].step == f"go/{ENTRY}"
    assert ready(plan, {}).run == (f"go/{ENTRY}",)
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


def test_the_way_back_is_open_when_all_steps_are_over_however_they_ended(catalogue: Catalogue) -> None:
    plan = _plan(catalogue)
    done, failed = StepState(StepStatus.SUCCEEDED, "success"), StepState(StepStatus.FAILED)
    states = {f"go/{ENTRY}": done, "go/a": failed}
    assert ready(plan, states).skip == ("go/b",)
    states["go/b"] = StepState(StepStatus.SKIPPED)
    assert ready(plan, states).run == ("go",)
    states[f"go/{ENTRY}"] = StepState(StepStatus.SKIPPED)
    assert ready(plan, states | {"go/a": StepState(StepStatus.SKIPPED)}).skip == ("go",)


def test_a_step_in_a_component_sees_its_own_component_only() -> None:
    steps: Json = {"a": 1, "go/a": 2, f"go/{ENTRY}": {"x": 3}, "go/deep/a": 4, "gone/a": 5}
    document: dict[str, Json] = {"trigger": {"type": "manual"}, "inputs": {}, "steps": steps}
    assert narrowed(document, "") == document
    inside = narrowed(document, "go/")
    assert (inside["steps"], inside["inputs"]) == ({"a": 2}, {"x": 3})
    assert inside["trigger"] == {"type": "manual"}


def test_inputs_that_are_no_object_are_refused(catalogue: Catalogue) -> None:
    values = "{component: Inner, version: '1.0', inputs: '${trigger.x}'}"
    playbook = _playbook(f"go: {{action: playbook.call, with: {values}}}")
    plan = compile_whole(playbook, catalogue, {("Inner", "1.0"): _component("Inner", f"a: {SET}")})
    document: dict[str, Json] = {"trigger": {"x": [1]}, "steps": {}, "inputs": {}}
    assert (
        crossed(plan.by_name[f"go/{ENTRY}"], plan, document, {}, {}).error == "The inputs of a component are an object."
    )


def test_components_that_call_each_other_in_a_circle_are_refused(catalogue: Catalogue) -> None:
    there = {
        ("One", "1.0"): _component("One", f"go: {_call('Two')}"),
        ("Two", "1.0"): _component("Two", f"go: {_call('One')}"),
    }
    with pytest.raises(Invalid, match="Caller ▸ One ▸ Two ▸ One"):
        compile_whole(_playbook(f"go: {_call('One')}"), catalogue, there)


def test_too_many_levels_and_too_many_steps_are_refused(catalogue: Catalogue) -> None:
    there = {(f"C{n}", "1.0"): _component(f"C{n}", f"go: {_call(f'C{n + 1}')}") for n in range(MAX_DEPTH)}
    there[f"C{MAX_DEPTH}", "1.0"] = _component(f"C{MAX_DEPTH}", f"a: {SET}")
    with pytest.raises(Invalid, match=f"more than {MAX_DEPTH} deep"):
        compile_whole(_playbook(f"go: {_call('C0')}"), catalogue, there)
    assert compile_whole(_playbook(f"go: {_call('C1')}"), catalogue, there).steps
    large = _component("Large", *(f"s{n}: {SET}" for n in range(100)))
    with pytest.raises(Invalid, match="500 are the most"):
        compile_whole(_playbook(*(f"c{n}: {_call('Large')}" for n in range(5))), catalogue, {("Large", "1.0"): large})


def test_a_component_that_is_not_there_is_named_by_its_step(catalogue: Catalogue) -> None:
    with pytest.raises(Invalid, match="Step go calls a component that is not published here"):
        compile_whole(_playbook(f"go: {_call('Inner')}"), catalogue, {})


def test_a_call_that_may_be_tried_again_stands_in_the_plan_once_with_a_plan_of_its_tries(catalogue: Catalogue) -> None:
    inner = _component("Inner", f"a: {SET}", "b: {action: logic.set, after: a, with: {values: {}}}")
    more = "if: trigger.x, timeout: 1 min, retry: {attempts: 2}, on_error: help"
    call = _call("Inner").replace("}}", f"}}, {more}}}")
    plan = compile_whole(_playbook(f"go: {call}", f"help: {SET}"), catalogue, {("Inner", "1.0"): inner})
    assert [step.name for step in plan.steps] == ["go", "help"]
    go = plan.by_name["go"]
    assert (go.condition, go.timeout, go.retry.attempts, go.on_error) == ("trigger.x", 60.0, 2, "help")
    assert go.body is not None
    assert [step.name for step in go.body.steps] == [f"go/{ENTRY}", "go/a", "go/b", "go"]
    enter, back = go.body.steps[0], go.body.steps[-1]
    assert (enter.condition, enter.retry.attempts, back.timeout, back.on_error) == (None, 1, None, None)
    assert [step.name for step in plan.every] == ["go", f"go/{ENTRY}", "go/a", "go/b", "help"]
    assert (plan.at["go", 0], plan.at["go", 1]) == (go, back)
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


def test_loops_and_calls_that_may_be_tried_again_stand_so_deep_in_each_other_at_most(catalogue: Catalogue) -> None:
    def call(name: str) -> str:
        return _call(name).replace("}}", "}, retry: {attempts: 2}, for_each: [1]}")

    there = {(f"C{n}", "1.0"): _component(f"C{n}", f"go: {call(f'C{n + 1}')}") for n in range(2)}
    there["C2", "1.0"] = _component("C2", "a: {action: logic.set, for_each: [1], with: {values: {}}}")
    assert compile_whole(_playbook(f"go: {call('C1')}"), catalogue, there).steps
    with pytest.raises(Invalid, match="stand 7 deep in each other; 5 levels are the most"):
        compile_whole(_playbook(f"go: {call('C0')}"), catalogue, there)
