from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan_samples import ACTIONS, FAILED, SKIPPED, STARTED, SampleCatalogue, done, plan_of, playbook_of
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.schedule import Decision, StepState, StepStatus, Verdict, ready, run_status


def test_roots_run_at_once_and_others_after_them() -> None:
    plan = plan_of(a={}, b={}, c={"after": ["a", "b"]})
    assert ready(plan, {}) == Decision(("a", "b"), (), False)
    assert ready(plan, {"a": done(), "b": STARTED}) == Decision((), (), False)
    assert ready(plan, {"a": done(), "b": done()}) == Decision(("c",), (), False)
    assert ready(plan, {"a": done(), "b": done(), "c": done()}) == Decision((), (), True)


def test_a_step_that_was_found_ready_but_not_started_is_started() -> None:
    assert ready(plan_of(a={}), {"a": StepState(StepStatus.READY)}).run == ("a",)
    assert ready(plan_of(a={}), {"a": StepState(StepStatus.WAITING)}) == Decision((), (), False)


def test_a_branch_that_no_condition_reaches_is_skipped_to_its_end() -> None:
    plan = plan_of(a={"action": "do.choose"}, b={"after": "a.yes"}, c={"after": "b"}, d={"after": "a.no"})
    assert ready(plan, {"a": done("no")}) == Decision(("d",), ("b", "c"), False)


def test_without_an_outcome_a_decision_is_followed_either_way_but_a_success_only_when_it_is_one() -> None:
    plan = plan_of(a={"action": "do.choose"}, b={"after": "a"}, c={"action": "do.contain"}, d={"after": "c"})
    assert ready(plan, {"a": done("no"), "c": done("denied")}) == Decision(("b",), ("d",), False)


def test_join_any_runs_at_the_first_and_is_skipped_only_when_none_can_come() -> None:
    plan = plan_of(a={}, b={}, c={"after": ["a", "b"], "join": "any"})
    assert ready(plan, {"a": done(), "b": STARTED}).run == ("c",)
    assert ready(plan, {"a": FAILED, "b": STARTED}) == Decision((), (), False)
    assert ready(plan, {"a": FAILED, "b": SKIPPED}) == Decision((), ("c",), True)


def test_join_all_is_skipped_as_soon_as_one_cannot_come() -> None:
    plan = plan_of(a={}, b={}, c={"after": ["a", "b"]})
    assert ready(plan, {"a": FAILED, "b": STARTED}) == Decision((), ("c",), False)


def test_a_step_that_is_only_for_errors_waits_for_one() -> None:
    plan = plan_of(a={"on_error": "b"}, b={})
    assert ready(plan, {}).run == ("a",)
    assert ready(plan, {"a": FAILED}).run == ("b",)
    assert ready(plan, {"a": done()}) == Decision((), ("b",), True)


def test_on_error_is_a_way_in_beside_after() -> None:
    plan = plan_of(a={"on_error": "c"}, b={}, c={"after": "b"})
    assert ready(plan, {"a": FAILED, "b": STARTED}).run == ("c",)
    assert ready(plan, {"a": STARTED, "b": done()}).run == ("c",)
    assert ready(plan, {"a": STARTED, "b": FAILED}) == Decision((), (), False)
    assert ready(plan, {"a": done(), "b": FAILED}) == Decision((), ("c",), True)


def test_a_run_fails_if_a_step_failed_that_nothing_handles() -> None:
    plan = plan_of(a={}, b={"after": "a"})
    assert run_status(plan, {"a": FAILED, "b": SKIPPED}) == Verdict("failed", ("a",))
    assert run_status(plan, {"a": done(), "b": done()}) == Verdict("succeeded")


def test_a_run_whose_failures_were_all_handled_has_partly_failed() -> None:
    plan = plan_of(a={"on_error": "b"}, b={}, c={}, d={"after": "c.error"})
    assert run_status(plan, {"a": FAILED, "b": done(), "c": FAILED, "d": done()}) == Verdict(
        "partly_failed", (), ("a", "c")
    )


def test_a_handler_that_was_skipped_handled_nothing() -> None:
    plan = plan_of(a={}, b={}, c={"after": ["a.error", "b"]})
    assert run_status(plan, {"a": FAILED, "b": SKIPPED, "c": SKIPPED}) == Verdict("failed", ("a",))


def test_a_handler_that_fails_fails_the_run() -> None:
    plan = plan_of(a={"on_error": "b"}, b={})
    assert run_status(plan, {"a": FAILED, "b": FAILED}) == Verdict("failed", ("b",), ("a",))


def test_a_step_that_stops_the_run_lets_what_had_begun_end_and_skips_the_rest() -> None:
    plan = plan_of(a={}, b={}, c={}, d={}, e={"after": "a"})
    states = {"a": done("stopped_failed"), "b": STARTED, "c": StepState(StepStatus.WAITING)}
    assert ready(plan, states) == Decision((), ("c", "d", "e"), finished=False)
    after = states | {"b": FAILED, **dict.fromkeys("cde", SKIPPED)}
    assert ready(plan, after) == Decision((), (), finished=True)
    assert run_status(plan, after) == Verdict("failed", stopped="a")


def test_what_was_at_work_at_a_crash_comes_to_its_end_though_the_run_is_stopped() -> None:
    plan = plan_of(a={}, b={})
    states = {"a": done("stopped_cancelled"), "b": StepState(StepStatus.READY)}
    assert ready(plan, states) == Decision(("b",), (), finished=False)
    assert run_status(plan, states | {"b": done()}) == Verdict("cancelled", stopped="a")


# What happens in a run, said a second time in the plainest way: by recursion over the document, without a plan.


def _follows(entry: str, end: str, step: Mapping[str, Any]) -> bool:
    _, dot, outcome = entry.partition(".")
    if dot:
        return end == outcome
    return end in ("yes", "no") if step["action"] == "do.choose" else end == "success"


def _ends(steps: Mapping[str, Mapping[str, Any]], script: Mapping[str, str], name: str) -> str:
    after = steps[name].get("after", [])
    came = [_follows(entry, _ends(steps, script, entry.split(".")[0]), steps[entry.split(".")[0]]) for entry in after]
    guarded = [other for other, step in steps.items() if step.get("on_error") == name]
    rescued = any(_ends(steps, script, other) == "error" for other in guarded)
    regular = (any(came) if steps[name].get("join") == "any" else all(came)) if after else not guarded
    return script[name] if regular or rescued else "skipped"


@st.composite
def _stories(draw: st.DrawFn) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    count = draw(st.integers(1, 8))
    names = [f"s{at}" for at in range(count)]
    steps: dict[str, dict[str, Any]] = {}
    script: dict[str, str] = {}
    for at, name in enumerate(names):
        action = draw(st.sampled_from(sorted(ACTIONS)))
        outcomes = (*ACTIONS[action].outcomes, "error")
        step: dict[str, Any] = {"action": action, "join": draw(st.sampled_from(["all", "any"]))}
        step["after"] = [
            other
            + draw(st.sampled_from(["", *(f".{one}" for one in (*ACTIONS[steps[other]["action"]].outcomes, "error"))]))
            for other in draw(st.lists(st.sampled_from(names[:at]), max_size=3) if at else st.just([]))
        ]
        if at + 1 < count and draw(st.booleans()):
            step["on_error"] = draw(st.sampled_from(names[at + 1 :]))
        steps[name] = step
        script[name] = draw(st.sampled_from(outcomes))
    shuffled = draw(st.permutations(names))
    return {name: steps[name] for name in shuffled}, script


@given(story=_stories(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_plan_and_plain_recursion_agree_in_whatever_order_things_end(
    story: tuple[dict[str, dict[str, Any]], dict[str, str]], data: st.DataObject
) -> None:
    steps, script = story
    plan = compile_playbook(playbook_of(steps), SampleCatalogue())
    states: dict[str, StepState] = {}
    begun: list[str] = []
    for _ in range(4 * len(steps) + 1):
        decision = ready(plan, states)
        for name in decision.skip:
            assert name not in states
            states[name] = SKIPPED
        for name in decision.run:
            assert name not in begun
            step = plan.by_name[name]
            if step.join == "all" and not step.rescues:
                assert all(edge.step in states and states[edge.step].status.final for edge in step.after)
            begun.append(name)
            states[name] = STARTED
        if decision.finished:
            break
        working = sorted(name for name, state in states.items() if state is STARTED)
        ended = data.draw(st.sampled_from(working))
        states[ended] = FAILED if script[ended] == "error" else done(script[ended])
    else:
        pytest.fail("the run did not finish")
    assert set(states) == set(steps)
    ends = {name: _ends(steps, script, name) for name in steps}
    for name, state in states.items():
        expected = {"skipped": SKIPPED, "error": FAILED}.get(ends[name], done(ends[name]))
        assert state == expected, name
    verdict = run_status(plan, states)
    assert set(verdict.failed) | set(verdict.handled) == {name for name, end in ends.items() if end == "error"}
    assert (verdict.status == "failed") is bool(verdict.failed)
