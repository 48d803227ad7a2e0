"""What a version of a playbook does, as the runtime needs it: steps, the edges between them, loops and calls. Pure.

Loops. A step with `for_each` stands in the plan once; it has succeeded with the outcome `done`, or failed because an item
did, when every item is over. What is done for one item is a plan of its own (PlanLoop.body): the step's own action, and the
steps that follow it item by item. `after: s` and `after: s.done` follow the loop as a whole.
"""

from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from ringfence.playbooks.expressions import render_inputs
from ringfence.playbooks.interface import Input, Output
from ringfence.playbooks.model import ERROR, Effect, Json, LogLevel

LONGEST_PAUSE: Final = 86_400.0
"""Seconds that a pause between two attempts has at most."""

ANY = "*"
"""The outcome of an edge that is taken however its step succeeded."""

REACHED: Final = "*reached"
"""The outcome of an edge that is taken unless its step was skipped."""

OVER: Final = "*over"
"""The outcome of an edge that is taken as soon as its step is over, however it ended, and whether or not it ran."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edge(_Frozen):
    """A way into a step: from `step`, if it ends with `outcome` (a name, `error`, or `*` for however it succeeded)."""

    step: str
    outcome: str


class PlanRetry(_Frozen):
    """How often a step is tried in all, and the first pause in seconds; each further pause is twice as long.

    `most` is the longest pause in seconds. `jitter` is the share of a pause that is left out by chance, so that what failed
    together does not come back together. `errors` are the codes of errors after which to try again; none: after any.
    """

    attempts: int
    backoff: float
    most: float = LONGEST_PAUSE
    jitter: float = 0.0
    errors: tuple[str, ...] = ()

    def pause(self, attempt: int, *, code: str = "", key: str = "") -> float | None:
        """Give the seconds to wait after the attempt of this number (from 1) failed, None if it was the last.

        `code` is that of the error, or of several at once, with commas between them: then all of them must be meant.
        Chance is drawn from `key` and the attempt, so that a crash draws it again.
        """
        codes = code.casefold().split(",")
        if attempt >= self.attempts or (self.errors and not set(codes) <= set(self.errors)):
            return None
        pause: float = min(self.backoff * 2.0 ** (attempt - 1), self.most, LONGEST_PAUSE)
        drawn = int.from_bytes(sha256(f"{key}:{attempt}".encode()).digest()[:6]) / 2**48
        return pause * (1.0 - self.jitter * drawn)


ONCE: Final = PlanRetry(attempts=1, backoff=0.0)
"""What is not tried again."""


class PlanLimits(_Frozen):
    """How many runs may be under way at once, whether one machine has at most one, and what becomes of those too many."""

    concurrent: int | None = None
    one_per_machine: bool = False
    excess: Literal["wait", "drop"] = "wait"


class PlanCall(_Frozen):
    """Where a plan goes into a component, or comes back from it; see `components`.

    `within` is what the names of the component's steps begin with; `steps` are the names of all of them.
    """

    part: Literal["enter", "leave"]
    component: str
    version: str
    within: str
    inputs: dict[str, Input]
    outputs: dict[str, Output]
    steps: tuple[str, ...]


class PlanStep(_Frozen):
    """A step as the runtime needs it. `values` are the inputs as written; those named in `raw` are never rendered.

    `scope` is what the names of the steps begin with that it sees, in a component; empty elsewhere.
    """

    name: str
    action: str
    effect: Effect
    values: dict[str, Any]
    raw: tuple[str, ...] = ()
    after: tuple[Edge, ...] = ()
    rescues: tuple[Edge, ...] = ()
    join: Literal["all", "any"] = "all"
    condition: str | None = None
    retry: PlanRetry = ONCE
    timeout: float | None = None
    on_error: str | None = None
    loop: "PlanLoop | None" = None
    tries: "PlanTries | None" = None
    scope: str = ""
    call: "PlanCall | None" = None

    def inputs(self, document: object) -> dict[str, Json]:
        """Give the inputs over a run document, `${…}` replaced; ExpressionError if one cannot be evaluated."""
        return render_inputs(self.values, self.raw, document)

    @property
    def body(self) -> "Plan | None":
        """What is done for each item of a loop, or in each try of a call; None for any other step."""
        if self.loop is not None:
            return self.loop.body
        return self.tries.body if self.tries is not None else None

    @property
    def inner(self) -> "tuple[PlanStep, ...]":
        """The steps of its body but its own."""
        return tuple(step for step in self.body.steps if step.name != self.name) if self.body is not None else ()


class PlanLoop(_Frozen):
    """The list of a loop as written, how many of its items are at work side by side, and what is done for each."""

    values: Any
    parallel: int
    body: "Plan"


class PlanTries(_Frozen):
    """What is done in each try of a call that has a `retry` or a `timeout`: going in, the component's steps, coming back.

    The last of these has the name of the call itself. The call's own retry and timeout stand at its step.
    """

    body: "Plan"


class Plan(_Frozen):
    """What a version of a playbook does, with steps in an order in which each comes after all that lead to it.

    `model_dump(mode="json")` and `model_validate` carry a plan through a row of the database. `timeout` is how many seconds
    a run may take.
    """

    name: str
    log_level: LogLevel = "info"
    timeout: float | None = None
    limits: PlanLimits | None = None
    steps: tuple[PlanStep, ...]

    @cached_property
    def by_name(self) -> dict[str, PlanStep]:
        """Find steps by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def every(self) -> tuple[PlanStep, ...]:
        """List all steps, those in the body of a loop or a call behind it; those of one name once."""
        found: dict[str, PlanStep] = {}
        for step, _ in _deep(self.steps):
            found.setdefault(step.name, step)
        return tuple(found.values())

    @cached_property
    def at(self) -> dict[tuple[str, int], PlanStep]:
        """Find steps by name and by how deep they stand in loops and calls: a loop has the name of its body's first step."""
        return {(step.name, depth): step for step, depth in _deep(self.steps)}

    @cached_property
    def rescuers(self) -> dict[str, tuple[str, ...]]:
        """Give, for each step, the steps that follow it by an error edge; a call follows all steps of its component."""
        found: dict[str, list[str]] = {step.name: [] for step in self.steps}
        for step in self.steps:
            for edge in (*step.after, *step.rescues):
                if edge.outcome in (ERROR, OVER) and step.name not in found[edge.step]:
                    found[edge.step].append(step.name)
        return {name: tuple(names) for name, names in found.items()}


def _deep(steps: tuple[PlanStep, ...], depth: int = 0) -> Iterator[tuple[PlanStep, int]]:
    for step in steps:
        yield step, depth
        if step.body is not None:
            yield from _deep(step.body.steps, depth + 1)
