from collections.abc import Mapping
from typing import Any

import pytest

from plan_samples import SampleCatalogue, plan_of, playbook_of
from ringfence.errors import Invalid
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.model import Effect
from ringfence.playbooks.plan import Edge, Plan, PlanRetry


def test_a_plan_says_of_each_step_what_the_runtime_needs() -> None:
    plan = plan_of(
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
        compile_playbook(playbook_of(steps), SampleCatalogue())
    assert "ringfence playbook check" in caught.value.advice


def test_a_loop_stands_in_the_plan_once_with_a_plan_of_its_own_for_each_item() -> None:
    plan = plan_of(
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
