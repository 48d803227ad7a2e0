"""A playbook that is made ready to be rehearsed, and which steps its steps look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ringfence.actions import Action, Json, Parameter
from ringfence.actions.catalogue import Catalogue
from ringfence.playbooks.calls import CALL, called
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.expressions import compile_template, references
from ringfence.playbooks.installation import Called
from ringfence.playbooks.mocks import Mock, mock_of
from ringfence.playbooks.model import ParameterKind, Playbook, Step
from ringfence.playbooks.plan import Plan, PlanStep


@dataclass(frozen=True, slots=True)
class Piece:
    """A playbook, made ready to be rehearsed: its plan and, by step, actions, pinned results and the steps looked at.

    A call of a component that is pinned, or not at hand, stays one step; any other is its component's steps, as in a run.
    """

    playbook: Playbook
    catalogue: Catalogue
    components: Mapping[Called, Playbook]
    plan: Plan
    actions: Mapping[str, Action]
    mocks: Mapping[str, Mock]
    looks: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls,
        playbook: Playbook,
        catalogue: Catalogue,
        components: Mapping[Called, Playbook] | None = None,
        mocks: Mapping[str, Mock] | None = None,
    ) -> "Piece":
        """Prepare a playbook that passed its checks; Invalid if one of its steps cannot be planned.

        `mocks` count more than what its steps say themselves.
        """
        own = {name: mock for name, step in playbook.steps.items() if (mock := mock_of(step)) is not None}
        pinned, known = {**own, **(mocks or {})}, dict(components or {})
        closed = {
            name
            for name, step in playbook.steps.items()
            if step.action == CALL and _is_closed(name, step, pinned, known)
        }
        plan = compile_whole(_without_calls(playbook, closed), catalogue, known)
        if closed:
            steps = tuple(_called_again(step) if step.name in closed else step for step in plan.steps)
            # Not a copy: that would keep what the plan has worked out from its steps.
            plan = Plan(**{name: getattr(plan, name) for name in Plan.model_fields if name != "steps"}, steps=steps)
        actions = {step.name: found for step in plan.every if (found := catalogue.find(step.action)) is not None}
        looks = {step.name: frozenset(_looked_at(step, actions[step.name])) for step in plan.every}
        return cls(playbook, catalogue, known, plan, actions, pinned, looks)

    def pinned(self, mocks: Mapping[str, Mock]) -> "Piece":
        """Return the same with more pinned results."""
        if not any(self.playbook.steps[name].action == CALL for name in mocks if name in self.playbook.steps):
            return replace(self, mocks={**self.mocks, **mocks})
        return Piece.of(self.playbook, self.catalogue, self.components, mocks)


_STAND_IN: Final = "logic.set"


def _is_closed(name: str, step: Step, mocks: Mapping[str, Mock], components: Mapping[Called, Playbook]) -> bool:
    return name in mocks or called(step) not in components


def _without_calls(playbook: Playbook, closed: set[str]) -> Playbook:
    """Let another action, of the same outcomes, stand where a component is not gone into."""
    if not closed:
        return playbook
    steps = {
        name: step.model_copy(update={"action": _STAND_IN}) if name in closed else step
        for name, step in playbook.steps.items()
    }
    return playbook.model_copy(update={"steps": steps})


def _called_again(step: PlanStep) -> PlanStep:
    if step.loop is None:
        return step.model_copy(update={"action": CALL})
    body = step.loop.body
    first, *rest = body.steps
    inner = Plan(name=body.name, log_level=body.log_level, steps=(first.model_copy(update={"action": CALL}), *rest))
    loop = step.loop.model_copy(update={"body": inner})
    return step.model_copy(update={"action": CALL, "loop": loop})


def looked_at_by(planned: PlanStep, name: str) -> set[str]:
    """Return the steps whose output one input of a step looks at."""
    found: set[str] = set()
    for expression in _in_templates(planned.values.get(name)):
        found |= {planned.scope + each for each in references(expression).steps}
    return found


def _looked_at(planned: PlanStep, action: Action) -> set[str]:
    found: set[str] = set()
    if planned.call is not None and planned.call.part == "leave":
        found |= set(planned.call.steps)
    for expression in (*((planned.condition,) if planned.condition else ()), *_expressions(planned, action)):
        found |= {planned.scope + name for name in references(expression).steps}
    return found


def _expressions(planned: PlanStep, action: Action) -> Iterator[str]:
    if planned.loop is not None:
        yield from _in_templates(planned.loop.values)
    for name, value in planned.values.items():
        parameter: Parameter | None = action.parameters.get(name)
        kind = parameter.kind if parameter is not None else ParameterKind.VALUE
        if kind is ParameterKind.RUN_EXPRESSION:
            yield from _texts(value)
        elif kind is ParameterKind.VALUE:
            yield from _in_templates(value)


def _in_templates(value: Json) -> Iterator[str]:
    for text in _texts(value):
        if "${" in text:
            yield from (each.text for each in compile_template(text).expressions)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
