from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import Invalid
from ringfence.playbooks.compiler import (
    Decision,
    Edge,
    Plan,
    PlanRetry,
    StepState,
    StepStatus,
    Verdict,
    compile_playbook,
    ready,
    run_status,
)
from ringfence.playbooks.model import Effect, Json, ParameterKind, Playbook


@dataclass(frozen=True)
class _Parameter:
    name: str
    kind: ParameterKind
    required: bool = False

    def fault(self, value: Json) -> str | None:
        return None


@dataclass(frozen=True)
class _Action:
    id: str
    outcomes: tuple[str, ...] = ("success",)
    branches: str = ""
    effect: Effect = Effect.PURE
    permissions: tuple[str, ...] = ()
    undo: str | None = None
    parameters: Mapping[str, _Parameter] = field(default_factory=dict)


_ACTIONS = {
    action.id: action
    for action in (
        _Action("do.it"),
        _Action("do.choose", ("yes", "no"), parameters={"test": _Parameter("test", ParameterKind.RUN_EXPRESSION)}),
        _Action("do.contain", ("success", "denied"), effect=Effect.CONTAIN),
    )
}


class _Catalogue:
    def find(self, action_id: str) -> _Action | None:
        return _ACTIONS.get(action_id)

    def ids(self) -> tuple[str, ...]:
        return tuple(_ACTIONS)


def _playbook(steps: Mapping[str, Mapping[str, Any]]) -> Playbook:
    full = {name: {"action": "do.it"} | dict(step) for name, step in steps.items()}
    return Playbook.model_validate({"ringfence": 1, "name": "x", "trigger": {"type": "manual"}, "steps": full})


def _plan(**steps: Mapping[str, Any]) -> Plan:
    return compile_playbook(_playbook(steps), _Catalogue())


SKIPPED, FAILED, STARTED = (StepState(status) for status in (StepStatus.SKIPPED, StepStatus.FAILED, StepStatus.STARTED))


def _done(outcome: str | None = "success") -> StepState:
    return StepState(StepStatus.SUCCEEDED, outcome)


def test_a_plan_says_of_each_step_what_the_runtime_needs() -> None:
    plan = _plan(
        second={
            "action": "do.contain",
            "after": ["first"],
            "if": "steps.first",
            "with": {"a": "${steps.first}"},
            "retry": {"attempts": 3, "backoff": "10 s"},
            "timeout": "30 min",
            "on_error": "third",
        },
        first={},
        third={},
    )
    assert [step.name for step in plan.steps] == ["first", "second", "third"]
    second = plan.by_name["second"]
    assert second.effect is Effect.CONTAIN
    assert second.after == (Edge(step="first", outcome="success"),)
    assert (second.condition, second.timeout, second.on_error) == ("steps.first", 1800.0, "third")
    assert second.retry == PlanRetry(attempts=3, backoff=10.0)
    assert plan.by_name["third"].rescues == (Edge(step="second", outcome="error"),)
    assert second.inputs({"steps": {"first": 5}}) == {"a": 5}


def test_a_plan_survives_being_stored_as_json() -> None:
    plan = _plan(a={"with": {"x": [1, {"y": None}]}}, b={"after": "a", "timeout": "1 s"})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


def test_parameters_that_are_expressions_are_not_rendered() -> None:
    step = _plan(a={"action": "do.choose", "with": {"test": "x == '${y}'", "other": "${y}"}}).steps[0]
    assert step.raw == ("test",)
    assert step.inputs({"y": 1}) == {"test": "x == '${y}'", "other": 1}


def test_pauses_between_attempts_double_and_end() -> None:
    retry = PlanRetry(attempts=4, backoff=10.0)
    assert [retry.pause(attempt) for attempt in (1, 2, 3, 4, 5)] == [10.0, 20.0, 40.0, None, None]


@pytest.mark.parametrize(
    "steps",
    [
        {"a": {"action": "no.such"}},
        {"a": {"after": "nowhere"}},
        {"a": {"after": "b"}, "b": {"after": "a"}},
    ],
)
def test_what_the_checks_would_refuse_is_not_compiled(steps: Mapping[str, Mapping[str, Any]]) -> None:
    with pytest.raises(Invalid) as caught:
        compile_playbook(_playbook(steps), _Catalogue())
    assert "ringfence playbook check" in caught.value.advice


def test_roots_run_at_once_and_others_after_them() -> None:
    plan = _plan(a={}, b={}, c={"after": ["a", "b"]})
    assert ready(plan, {}) == Decision(("a", "b"), (), False)
    assert ready(plan, {"a": _done(), "b": STARTED}) == Decision((), (), False)
    assert ready(plan, {"a": _done(), "b": _done()}) == Decision(("c",), (), False)
    assert ready(plan, {"a": _done(), "b": _done(), "c": _done()}) == Decision((), (), True)


def test_a_step_that_was_found_ready_but_not_started_is_started() -> None:
    assert ready(_plan(a={}), {"a": StepState(StepStatus.READY)}).run == ("a",)
    assert ready(_plan(a={}), {"a": StepState(StepStatus.WAITING)}) == Decision((), (), False)


def test_a_branch_that_no_condition_reaches_is_skipped_to_its_end() -> None:
    plan = _plan(a={"action": "do.choose"}, b={"after": "a.yes"}, c={"after": "b"}, d={"after": "a.no"})
    assert ready(plan, {"a": _done("no")}) == Decision(("d",), ("b", "c"), False)


def test_without_an_outcome_a_decision_is_followed_either_way_but_a_success_only_when_it_is_one() -> None:
    plan = _plan(a={"action": "do.choose"}, b={"after": "a"}, c={"action": "do.contain"}, d={"after": "c"})
    assert ready(plan, {"a": _done("no"), "c": _done("denied")}) == Decision(("b",), ("d",), False)


def test_join_any_runs_at_the_first_and_is_skipped_only_when_none_can_come() -> None:
    plan = _plan(a={}, b={}, c={"after": ["a", "b"], "join": "any"})
    assert ready(plan, {"a": _done(), "b": STARTED}).run == ("c",)
    assert ready(plan, {"a": FAILED, "b": STARTED}) == Decision((), (), False)
    assert ready(plan, {"a": FAILED, "b": SKIPPED}) == Decision((), ("c",), True)


def test_join_all_is_skipped_as_soon_as_one_cannot_come() -> None:
    plan = _plan(a={}, b={}, c={"after": ["a", "b"]})
    assert ready(plan, {"a": FAILED, "b": STARTED}) == Decision((), ("c",), False)


def test_a_step_that_is_only_for_errors_waits_for_one() -> None:
    plan = _plan(a={"on_error": "b"}, b={})
    assert ready(plan, {}).run == ("a",)
    assert ready(plan, {"a": FAILED}).run == ("b",)
    assert ready(plan, {"a": _done()}) == Decision((), ("b",), True)


def test_on_error_is_a_way_in_beside_after() -> None:
    plan = _plan(a={"on_error": "c"}, b={}, c={"after": "b"})
    assert ready(plan, {"a": FAILED, "b": STARTED}).run == ("c",)
    assert ready(plan, {"a": STARTED, "b": _done()}).run == ("c",)
    assert ready(plan, {"a": STARTED, "b": FAILED}) == Decision((), (), False)
    assert ready(plan, {"a": _done(), "b": FAILED}) == Decision((), ("c",), True)


def test_a_run_fails_if_a_step_failed_that_nothing_handles() -> None:
    plan = _plan(a={}, b={"after": "a"})
    assert run_status(plan, {"a": FAILED, "b": SKIPPED}) == Verdict("failed", ("a",))
    assert run_status(plan, {"a": _done(), "b": _done()}) == Verdict("succeeded")


def test_a_run_whose_failures_were_all_handled_has_partly_failed() -> None:
    plan = _plan(a={"on_error": "b"}, b={}, c={}, d={"after": "c.error"})
    assert run_status(plan, {"a": FAILED, "b": _done(), "c": FAILED, "d": _done()}) == Verdict(
        "partly_failed", (), ("a", "c")
    )


def test_a_handler_that_was_skipped_handled_nothing() -> None:
    plan = _plan(a={}, b={}, c={"after": ["a.error", "b"]})
    assert run_status(plan, {"a": FAILED, "b": SKIPPED, "c": SKIPPED}) == Verdict("failed", ("a",))


def test_a_handler_that_fails_fails_the_run() -> None:
    plan = _plan(a={"on_error": "b"}, b={})
    assert run_status(plan, {"a": FAILED, "b": FAILED}) == Verdict("failed", ("b",), ("a",))


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
        action = draw(st.sampled_from(sorted(_ACTIONS)))
        outcomes = (*_ACTIONS[action].outcomes, "error")
        step: dict[str, Any] = {"action": action, "join": draw(st.sampled_from(["all", "any"]))}
        step["after"] = [
            other
            + draw(st.sampled_from(["", *(f".{one}" for one in (*_ACTIONS[steps[other]["action"]].outcomes, "error"))]))
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
    plan = compile_playbook(_playbook(steps), _Catalogue())
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
        states[ended] = FAILED if script[ended] == "error" else _done(script[ended])
    else:
        pytest.fail("the run did not finish")
    assert set(states) == set(steps)
    ends = {name: _ends(steps, script, name) for name in steps}
    for name, state in states.items():
        expected = {"skipped": SKIPPED, "error": FAILED}.get(ends[name], _done(ends[name]))
        assert state == expected, name
    verdict = run_status(plan, states)
    assert set(verdict.failed) | set(verdict.handled) == {name for name, end in ends.items() if end == "error"}
    assert (verdict.status == "failed") is bool(verdict.failed)


def test_a_step_that_stops_the_run_lets_what_had_begun_end_and_skips_the_rest() -> None:
    plan = _plan(a={}, b={}, c={}, d={}, e={"after": "a"})
    states = {"a": _done("stopped_failed"), "b": STARTED, "c": StepState(StepStatus.WAITING)}
    assert ready(plan, states) == Decision((), ("c", "d", "e"), finished=False)
    after = states | {"b": FAILED, **dict.fromkeys("cde", SKIPPED)}
    assert ready(plan, after) == Decision((), (), finished=True)
    assert run_status(plan, after) == Verdict("failed", stopped="a")


def test_what_was_at_work_at_a_crash_comes_to_its_end_though_the_run_is_stopped() -> None:
    plan = _plan(a={}, b={})
    states = {"a": _done("stopped_cancelled"), "b": StepState(StepStatus.READY)}
    assert ready(plan, states) == Decision(("b",), (), finished=False)
    assert run_status(plan, states | {"b": _done()}) == Verdict("cancelled", stopped="a")


@given(st.integers(1, 20), st.floats(0, 3_600), st.floats(0, 86_400), st.floats(0, 1), st.text(max_size=5))
def test_pauses_double_up_to_the_longest_and_chance_only_shortens_them(
    attempts: int, backoff: float, most: float, jitter: float, key: str
) -> None:
    retry = PlanRetry(attempts=attempts, backoff=backoff, most=most, jitter=jitter)
    assert retry.pause(attempts) is None
    for attempt in range(1, attempts):
        whole = min(backoff * 2.0 ** (attempt - 1), most)
        pause = retry.pause(attempt, key=key)
        assert pause is not None
        assert whole * (1 - jitter) <= pause <= whole
        assert retry.pause(attempt, key=key) == pause


def test_only_the_errors_that_are_named_are_followed_by_another_attempt() -> None:
    plan = _plan(one={"retry": {"errors": ["Timeout", "reply-lost"]}})
    retry = plan.steps[0].retry
    assert [retry.pause(1, code=code) is not None for code in ("timeout", "Reply-Lost", "busy", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_loop_stands_in_the_plan_once_with_a_plan_of_its_own_for_each_item() -> None:
    plan = _plan(
        end={"after": "loop.done"},
        loop={
            "after": "start",
            "for_each": "${trigger.hosts}",
            "parallel": 3,
            "retry": {},
            "on_error": "help",
            "if": "x",
        },
        start={},
        two={"after": ["loop.each"]},
        three={"action": "do.choose", "after": "two"},
        four={"after": "three.yes"},
        help={},
    )
    assert [step.name for step in plan.steps] == ["start", "loop", "end", "help"]
    loop = plan.by_name["loop"]
    assert loop.loop is not None
    assert (loop.condition, loop.loop.values, loop.loop.parallel) == ("x", "${trigger.hosts}", 3)
    first, *body = loop.loop.body.steps
    assert (first.name, first.after, first.condition, first.retry.attempts) == ("loop", (), None, 3)
    assert [step.name for step in body] == ["two", "three", "four"]
    assert body[0].after == (Edge(step="loop", outcome="*"),)
    assert plan.by_name["end"].after == (Edge(step="loop", outcome="done"),)
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan
    assert [step.name for step in plan.every] == ["start", "loop", "two", "three", "four", "end", "help"]
