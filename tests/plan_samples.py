"""Actions and small playbooks for tests of plans."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.model import Effect, Json, ParameterKind, Playbook
from ringfence.playbooks.plan import Plan
from ringfence.playbooks.schedule import StepState, StepStatus


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
    gives: Json = None
    effect: Effect = Effect.PURE
    permissions: tuple[str, ...] = ()
    undo: str | None = None
    parameters: Mapping[str, _Parameter] = field(default_factory=dict)


ACTIONS = {
    action.id: action
    for action in (
        _Action("do.it"),
        _Action("do.choose", ("yes", "no"), parameters={"test": _Parameter("test", ParameterKind.RUN_EXPRESSION)}),
        _Action("do.contain", ("success", "denied"), effect=Effect.CONTAIN),
    )
}


class SampleCatalogue:
    def find(self, action_id: str) -> _Action | None:
        return ACTIONS.get(action_id)

    def ids(self) -> tuple[str, ...]:
        return tuple(ACTIONS)


def playbook_of(steps: Mapping[str, Mapping[str, Any]]) -> Playbook:
    full = {name: {"action": "do.it"} | dict(step) for name, step in steps.items()}
    return Playbook.model_validate({"ringfence": 1, "name": "x", "trigger": {"type": "manual"}, "steps": full})


def plan_of(**steps: Mapping[str, Any]) -> Plan:
    return compile_playbook(playbook_of(steps), SampleCatalogue())


SKIPPED, FAILED, STARTED = (StepState(status) for status in (StepStatus.SKIPPED, StepStatus.FAILED, StepStatus.STARTED))


def done(outcome: str | None = "success") -> StepState:
    return StepState(StepStatus.SUCCEEDED, outcome)
