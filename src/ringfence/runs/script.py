"""What a run is carried out by: the plan of its version, and the action and the position of each of its steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.actions import Action
from ringfence.actions.catalogue import Catalogue
from ringfence.playbooks.model import Effect
from ringfence.playbooks.plan import Plan


@dataclass(frozen=True, slots=True)
class Script:
    """A plan, the action and the position of each of its steps, and whether any of them contains hosts."""

    plan: Plan
    actions: Mapping[str, Action]
    positions: Mapping[str, int]
    contains: bool

    @classmethod
    def of(cls, plan: Plan, catalogue: Catalogue) -> "Script":
        """Find the actions of a plan that was compiled from the same catalogue."""
        actions: dict[str, Action] = {}
        for step in plan.every:
            action = catalogue.find(step.action)
            assert action is not None
            actions[step.name] = action
        positions = {step.name: position for position, step in enumerate(plan.every)}
        return cls(plan, actions, positions, any(step.effect is Effect.CONTAIN for step in plan.every))
