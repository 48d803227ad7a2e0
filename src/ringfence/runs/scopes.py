"""The steps of a run, in the groups that are decided about together: the run's own, and those of each item of a loop.

A step of an item has the item's number, from 1, as its iteration; everything else has 0, the loop itself too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ringfence.actions import Json
from ringfence.playbooks.loops import ItemEnd, LoopEnd, gathered
from ringfence.playbooks.plan import Plan, PlanStep
from ringfence.playbooks.schedule import Decision, StepStatus, ready, run_status, winding_up
from ringfence.playbooks.schedule import stopped as stopped_by
from ringfence.runs.model import StepRun

NOT_BEGUN = "It was not begun."


@dataclass(slots=True)
class Scope:
    """Steps that are decided about together; `item` is what is worked on, where it is one item of the loop `own`."""

    plan: Plan
    iteration: int = 0
    item: Json = None
    own: str = ""
    steps: dict[str, StepRun] = field(default_factory=dict)

    def decide(self, *, winding: bool = False) -> Decision:
        """Say what is to be done now; `winding` lets what has begun come to its end, and begins nothing more."""
        states = {name: step.seen for name, step in self.steps.items()}
        return winding_up(self.plan, states) if winding else ready(self.plan, states)

    @property
    def variables(self) -> dict[str, Json]:
        """What expressions see besides the run document's own."""
        return {"item": self.item, "index": self.iteration - 1} if self.iteration else {}

    def end(self) -> ItemEnd:
        """Say how the item ended."""
        states = {name: step.seen for name, step in self.steps.items()}
        outputs = {name: step.output for name, step in self.steps.items() if step.status is StepStatus.SUCCEEDED}
        failed = [self.steps[name] for name in run_status(self.plan, states).failed]
        cut = [step for step in self.steps.values() if step.status is StepStatus.CANCELLED or _cut(step)]
        errors = [step.error if step.step == self.own else f"{step.step}: {step.error}" for step in [*failed, *cut]]
        return ItemEnd(outputs, "; ".join(errors) if errors else None)

    @property
    def stopped(self) -> StepRun | None:
        """The step that ended the whole run."""
        name = stopped_by(self.plan, {name: step.seen for name, step in self.steps.items()})
        return self.steps[name] if name is not None else None


def _cut(step: StepRun) -> bool:
    return step.status is StepStatus.SKIPPED and bool(step.error)


class Loop:
    """A loop under way: which of its items are open, and how the others ended, by iteration."""

    def __init__(self, step: StepRun, planned: PlanStep, items: list[Json]) -> None:
        assert planned.loop is not None
        self.step = step
        self.items = items
        self.open: dict[int, Scope] = {}
        self.stopped: StepRun | None = None
        self._loop = planned.loop
        self._inner = planned.inner
        self._ends: dict[int, ItemEnd] = {}
        self._next = 1

    def begin(self) -> list[Scope]:
        """Open as many items as may be at work now, and return them."""
        made: list[Scope] = []
        while self.stopped is None and len(self.open) < self._loop.parallel and self._next <= len(self.items):
            if self._next not in self._ends and self._next not in self.open:
                made.append(self._scope(self._next))
                self.open[self._next] = made[-1]
            self._next += 1
        return made

    def _scope(self, iteration: int) -> Scope:
        return Scope(self._loop.body, iteration, self.items[iteration - 1], self.step.step)

    def close(self, scope: Scope) -> None:
        """Keep how an item ended."""
        self.open.pop(scope.iteration, None)
        self._ends[scope.iteration] = scope.end()
        self.stopped = self.stopped or scope.stopped

    def restore(self, steps: Iterable[StepRun]) -> None:
        """Take in the rows of the items that were begun earlier."""
        for step in steps:
            if step.iteration not in self.open:
                self.open[step.iteration] = self._scope(step.iteration)
            self.open[step.iteration].steps[step.step] = step

    @property
    def begun(self) -> int:
        """How many items were begun."""
        return len(self.open) + len(self._ends)

    @property
    def over(self) -> bool:
        """Whether every item that was begun is over, and none is left."""
        return not self.open and (self._next > len(self.items) or self.stopped is not None)

    def gathered(self) -> LoopEnd:
        """Put together what the items gave."""
        ends = [self._ends.get(number, ItemEnd({}, NOT_BEGUN)) for number in range(1, len(self.items) + 1)]
        body = tuple(step.name for step in self._inner)
        return gathered(self.step.step, body, ends)


class Course:
    """All steps of a run that are of interest still."""

    def __init__(self, plan: Plan) -> None:
        self.outer = Scope(plan)
        self.loops: dict[str, Loop] = {}
        self.gathered: dict[str, Json] = {}

    @classmethod
    def restored(cls, plan: Plan, steps: Iterable[StepRun]) -> "Course":
        """Put the rows of a run in their places; those that the plan does not know are left out."""
        course = cls(plan)
        loop_of = {each.name: step.name for step in plan.steps if step.loop for each in step.loop.body.steps}
        inside: dict[str, list[StepRun]] = {}
        for step in steps:
            if step.iteration == 0 and step.step in plan.by_name:
                course.outer.steps[step.step] = step
            elif step.iteration > 0 and step.step in loop_of:
                inside.setdefault(loop_of[step.step], []).append(step)
        for name, step in course.outer.steps.items():
            items = step.input.get("items") if isinstance(step.input, dict) else None
            if plan.by_name[name].loop is None or not isinstance(items, list):
                continue
            loop = course.open_loop(step, items)
            loop.restore(inside.get(name, ()))
            if step.status.final:
                for scope in list(loop.open.values()):
                    loop.close(scope)
                course.end_loop(loop)
        return course

    def open_loop(self, step: StepRun, items: list[Json]) -> Loop:
        """Begin a loop."""
        loop = self.loops[step.step] = Loop(step, self.outer.plan.by_name[step.step], items)
        return loop

    def end_loop(self, loop: Loop) -> LoopEnd:
        """Put together what a loop gave, which the steps after it may look at."""
        del self.loops[loop.step.step]
        end = loop.gathered()
        self.gathered.update(end.outputs)
        if end.error:
            # What the other items gave is there for whatever handles the failure.
            self.gathered[loop.step.step] = end.output
        return end

    def scopes(self) -> Iterator[Scope]:
        """Give the run's own steps, and those of each item that is being worked on."""
        yield self.outer
        for loop in self.loops.values():
            yield from loop.open.values()

    def steps(self) -> Iterator[StepRun]:
        """Give each step of these."""
        for scope in self.scopes():
            yield from scope.steps.values()

    def waiting(self) -> list[StepRun]:
        """List the steps that wait."""
        return [step for step in self.steps() if step.status is StepStatus.WAITING]


def visible(steps: Mapping[str, StepRun]) -> dict[str, Json]:
    """Return what expressions see of steps: the outputs of those that succeeded."""
    return {name: step.output for name, step in steps.items() if step.status is StepStatus.SUCCEEDED}
