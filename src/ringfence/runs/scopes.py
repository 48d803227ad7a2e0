"""Steps that are decided about together: a run's own, those of each item of a loop, and those of each try of a call.

Their rows have the round in which they stand as their iteration (see `playbooks.rounds`); a loop or call itself has that of
the steps beside it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ringfence.actions import Json
from ringfence.playbooks import rounds
from ringfence.playbooks.loops import ItemEnd, LoopEnd, gathered
from ringfence.playbooks.plan import Plan, PlanStep
from ringfence.playbooks.schedule import Decision, StepStatus, ready, run_status, winding_up
from ringfence.playbooks.schedule import stopped as stopped_by
from ringfence.runs.model import Cause, StepRun, together

NOT_BEGUN = "It was not begun."


@dataclass(slots=True)
class Scope:
    """Steps that are decided about together; `frame` is the loop or the call that they are a round of, if any.

    `item` is what is worked on, where they are done for one item. `frames` are the loops and calls among them that are under
    way, by name, and `gathered` is what the steps in those that are over gave, round by round.
    """

    plan: Plan
    iteration: int = 0
    item: Json = None
    frame: "Frame | None" = None
    steps: dict[str, StepRun] = field(default_factory=dict)
    frames: "dict[str, Frame]" = field(default_factory=dict)
    gathered: dict[str, Json] = field(default_factory=dict)

    @property
    def chain(self) -> "list[Scope]":
        """It and all in which it stands, the outermost first."""
        outer = self.frame.scope.chain if self.frame is not None else []
        return [*outer, self]

    def decide(self, *, winding: bool = False) -> Decision:
        """Say what is to be done now; `winding` lets what has begun come to its end, and begins nothing more."""
        states = {name: step.seen for name, step in self.steps.items()}
        return winding_up(self.plan, states) if winding else ready(self.plan, states)

    @property
    def variables(self) -> dict[str, Json]:
        """What expressions see besides the run document's own: the item of the innermost loop."""
        if isinstance(self.frame, Loop):
            return {"item": self.item, "index": rounds.number_of(self.iteration) - 1}
        return self.frame.scope.variables if self.frame is not None else {}

    def end(self) -> ItemEnd:
        """Say how the item ended."""
        outputs = {name: step.output for name, step in self.steps.items() if step.status is StepStatus.SUCCEEDED}
        wrong = [*self._failed(), *(step for step in self.steps.values() if is_cut(step))]
        own = self.frame.step.step if self.frame is not None else ""
        errors = [step.error if step.step == own else f"{step.step}: {step.error}" for step in wrong]
        return ItemEnd(outputs, "; ".join(errors) if errors else None)

    @property
    def cause(self) -> Cause | None:
        """Why what nothing in here handled failed; None if nothing did."""
        failed = self._failed()
        return together(step.cause for step in failed) if failed else None

    def _failed(self) -> list[StepRun]:
        states = {name: step.seen for name, step in self.steps.items()}
        return [self.steps[name] for name in run_status(self.plan, states).failed]

    @property
    def stopped(self) -> StepRun | None:
        """The step that ended the whole run."""
        name = stopped_by(self.plan, {name: step.seen for name, step in self.steps.items()})
        return self.steps[name] if name is not None else None

    @property
    def ends_early(self) -> bool:
        """Whether a step in here, or in what it stands in, has ended the whole run."""
        return any(
            scope.stopped is not None or (scope.frame is not None and scope.frame.stopped is not None)
            for scope in self.chain
        )


def is_cut(step: StepRun) -> bool:
    """Tell whether a step was cancelled, or kept from beginning."""
    return step.status is StepStatus.CANCELLED or (step.status is StepStatus.SKIPPED and bool(step.error))


class Frame(ABC):
    """A loop or a call under way: the rounds of it that are open."""

    tries: ClassVar[bool]

    def __init__(self, step: StepRun, planned: PlanStep, scope: Scope) -> None:
        assert planned.body is not None
        self.step = step
        self.planned = planned
        self.scope = scope
        self.body = planned.body
        self.open: dict[int, Scope] = {}
        self.stopped: StepRun | None = None

    @abstractmethod
    def begin(self, room: int) -> list[Scope]:
        """Open as many rounds as may be at work now, and return them; `room` is how many more the run has room for."""

    @abstractmethod
    def close(self, scope: Scope) -> None:
        """Keep how a round ended."""

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether every round that was begun is over, and none is left."""

    @abstractmethod
    def round(self, iteration: int) -> Scope:
        """Make the scope of a round."""

    def restore(self, iteration: int, steps: Mapping[str, StepRun]) -> Scope:
        """Take in the rows of a round that was begun earlier."""
        scope = self.open[iteration] = self.round(iteration)
        scope.steps.update(steps)
        return scope

    def _closed(self, scope: Scope) -> None:
        self.open.pop(scope.iteration, None)
        self.stopped = self.stopped or scope.stopped


class Loop(Frame):
    """A loop under way: which of its items are open, and how the others ended, by number."""

    tries = False

    def __init__(self, step: StepRun, planned: PlanStep, scope: Scope, items: list[Json]) -> None:
        super().__init__(step, planned, scope)
        assert planned.loop is not None
        self.items = items
        self._parallel = planned.loop.parallel
        self._ends: dict[int, ItemEnd] = {}
        self._causes: list[Cause] = []
        self._next = 1

    def begin(self, room: int) -> list[Scope]:
        """Open as many items as may be at work now, and return them; a loop in a loop keeps to `room`, but for one item."""
        made: list[Scope] = []
        while self.stopped is None and len(self.open) < self._parallel and self._next <= len(self.items):
            if self.step.iteration and self.open and len(made) >= room:
                break
            iteration = rounds.of_item(self.step.iteration, self._next)
            if self._next not in self._ends and iteration not in self.open:
                made.append(self.round(iteration))
                self.open[iteration] = made[-1]
            self._next += 1
        return made

    def round(self, iteration: int) -> Scope:
        """Make the scope of an item."""
        return Scope(self.body, iteration, self.items[rounds.number_of(iteration) - 1], self)

    def close(self, scope: Scope) -> None:
        """Keep how an item ended."""
        self._closed(scope)
        self._ends[rounds.number_of(scope.iteration)] = scope.end()
        if (cause := scope.cause) is not None:
            self._causes.append(cause)

    @property
    def begun(self) -> int:
        """How many items were begun."""
        return len(self.open) + len(self._ends)

    @property
    def over(self) -> bool:
        """Whether every item that was begun is over, and none is left."""
        return not self.open and (self._next > len(self.items) or self.stopped is not None)

    @property
    def cause(self) -> Cause:
        """Why items of it failed."""
        return together(self._causes)

    def end(self) -> LoopEnd:
        """Put together what the items gave, which the steps after it may look at."""
        self.scope.frames.pop(self.step.step, None)
        ends = [self._ends.get(number, ItemEnd({}, NOT_BEGUN)) for number in range(1, len(self.items) + 1)]
        end = gathered(self.step.step, tuple(step.name for step in self.planned.inner), ends)
        self.scope.gathered.update(end.outputs)
        if end.error:
            # What the other items gave is there for whatever handles the failure.
            self.scope.gathered[self.step.step] = end.output
        return end


class Tries(Frame):
    """A call under way that may be tried again: the try that is open, or how the last one ended."""

    tries = True

    def __init__(self, step: StepRun, planned: PlanStep, scope: Scope) -> None:
        super().__init__(step, planned, scope)
        self.ended: Scope | None = None

    def begin(self, room: int) -> list[Scope]:
        """Open the try whose turn it is; none while there is a pause before it."""
        if self.open or self.ended is not None or self.step.status is not StepStatus.STARTED:
            return []
        made = self.round(self.now)
        self.open[made.iteration] = made
        return [made]

    @property
    def now(self) -> int:
        """The round of the try whose turn it is."""
        return rounds.of_try(self.step.iteration, self.step.attempt)

    def round(self, iteration: int) -> Scope:
        """Make the scope of a try."""
        return Scope(self.body, iteration, None, self)

    def close(self, scope: Scope) -> None:
        """Keep how the try ended."""
        self._closed(scope)
        self.ended = scope

    @property
    def over(self) -> bool:
        """Whether the try is over, which may be followed by another one."""
        return self.ended is not None

    def end(self) -> None:
        """Leave it."""
        self.scope.frames.pop(self.step.step, None)


def visible(steps: Mapping[str, StepRun]) -> dict[str, Json]:
    """Return what expressions see of steps: the outputs of those that succeeded."""
    return {name: step.output for name, step in steps.items() if step.status is StepStatus.SUCCEEDED}


class Course:
    """All steps of a run that are of interest still."""

    def __init__(self, plan: Plan) -> None:
        self.outer = Scope(plan)
        self.items = 0

    @classmethod
    def restored(
        cls, plan: Plan, steps: Iterable[StepRun], over: Mapping[str, Mapping[str, Json]] | None = None
    ) -> "Course":
        """Put the rows of a run in their places; those that the plan does not know are left out.

        `over` has by name what there is to be seen of loops that are over, and whose items are not looked at any more.
        """
        course = cls(plan)
        places: dict[int, dict[int, dict[str, StepRun]]] = {}
        for step in steps:
            if step.iteration == 0:
                if step.step in plan.by_name:
                    course.outer.steps[step.step] = step
            else:
                beside = places.setdefault(rounds.outer_of(step.iteration), {})
                beside.setdefault(step.iteration, {})[step.step] = step
            planned = plan.at.get((step.step, rounds.depth_of(step.iteration)))
            items = _items(step)
            if planned is not None and planned.loop is not None and items is not None:
                course.items += len(items)
        for seen in (over or {}).values():
            course.outer.gathered.update(seen)
        course._restore(course.outer, places, done=frozenset(over or ()))
        return course

    def _restore(
        self,
        scope: Scope,
        places: Mapping[int, Mapping[int, Mapping[str, StepRun]]],
        *,
        done: frozenset[str] = frozenset(),
    ) -> None:
        for name, step in scope.steps.items():
            if name in done:
                continue
            planned, items = scope.plan.by_name[name], _items(step)
            frame: Frame
            if planned.loop is not None and items is not None:
                frame = scope.frames[name] = Loop(step, planned, scope, items)
            elif planned.tries is not None and step.status in (StepStatus.STARTED, StepStatus.WAITING):
                frame = scope.frames[name] = Tries(step, planned, scope)
            else:
                continue
            mine = frame.body.by_name
            for iteration, rows in places.get(scope.iteration, {}).items():
                of_it = {each: row for each, row in rows.items() if each in mine}
                if not of_it or rounds.is_try(iteration) is not frame.tries:
                    continue
                if isinstance(frame, Tries) and iteration != frame.now:
                    continue
                inner = frame.restore(iteration, of_it)
                if not step.status.final:
                    self._restore(inner, places)
            if isinstance(frame, Loop) and step.status.final:
                for inner in list(frame.open.values()):
                    frame.close(inner)
                frame.end()

    def open_loop(self, scope: Scope, step: StepRun, items: list[Json]) -> Loop:
        """Begin a loop."""
        loop = scope.frames[step.step] = Loop(step, scope.plan.by_name[step.step], scope, items)
        self.items += len(items)
        return loop

    def open_call(self, scope: Scope, step: StepRun) -> Tries:
        """Begin a call that may be tried again."""
        call = scope.frames[step.step] = Tries(step, scope.plan.by_name[step.step], scope)
        return call

    def scopes(self) -> Iterator[Scope]:
        """Give the run's own steps, and those of each round that is being worked on."""
        todo = [self.outer]
        while todo:
            scope = todo.pop()
            yield scope
            for frame in reversed(scope.frames.values()):
                todo += reversed(frame.open.values())

    @property
    def at_work(self) -> int:
        """How many items of loops are being worked on."""
        return sum(isinstance(scope.frame, Loop) for scope in self.scopes())

    def steps(self) -> Iterator[StepRun]:
        """Give each step of these."""
        for scope in self.scopes():
            yield from scope.steps.values()

    def waiting(self) -> list[StepRun]:
        """List the steps that wait."""
        return [step for step in self.steps() if step.status is StepStatus.WAITING]


def _items(step: StepRun) -> list[Json] | None:
    found = step.input.get("items") if isinstance(step.input, dict) else None
    return found if isinstance(found, list) else None
