"""A second opinion on what a playbook does: plain recursion over its steps, sharing no code with the runtime.

Steps are as in `run_world`: `do` says for each attempt what its calls do, the last of which decides. What is here is kept
simple enough to be believed by reading it; it knows nothing of time, rows, crashes or order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Steps = Mapping[str, Mapping[str, Any]]
Key = tuple[str, int]
PERMANENT = ("refuse",)


@dataclass(frozen=True)
class End:
    """How a step ends, and what it was given; `why` are the codes of its errors, of which `refused` stands for good."""

    status: str
    outcome: str | None = None
    attempt: int = 1
    value: Any = None
    why: frozenset[str] = frozenset()


SKIPPED = End("skipped")
DONE = End("succeeded", "success")


@dataclass
class Naive:
    """What becomes of a playbook: `ends` by step and round (items from 1), and of whole loops and calls in the round outside.

    A component is one more of these, whose steps have the name of the call before their own; `later` is how many tries of the
    calls around it have failed.
    """

    steps: Steps
    components: Mapping[str, Steps] = field(default_factory=dict)
    ends: dict[Key, End] = field(default_factory=dict)
    prefix: str = ""
    later: int = 0

    def play(self) -> "Naive":
        """Do all of it."""
        self.round(0)
        return self

    def round(self, iteration: int) -> dict[str, End]:
        """Do all of it, in a round."""
        return _Scope(self, [name for name in self.steps if self.home(name) is None], iteration).play()

    @property
    def status(self) -> str:
        """How the run ends."""
        outer = {name: end for (name, iteration), end in self.ends.items() if iteration == 0 and name in self.steps}
        if self.unhandled(outer):
            return "failed"
        return "partly_failed" if any(end.status == "failed" for end in outer.values()) else "succeeded"

    def home(self, name: str) -> str | None:
        """Name the loop in whose body a step is."""
        for edge in self.steps[name].get("after", []):
            other, _, outcome = edge.partition(".")
            if "for_each" in self.steps[other]:
                if outcome not in ("", "done", "error"):
                    return str(other)
            elif (found := self.home(other)) is not None:
                return found
        rescued = (other for other, step in self.steps.items() if step.get("on_error") == name)
        return next((found for other in rescued if (found := self.home(other)) is not None), None)

    def unhandled(self, ends: Mapping[str, End], own: str | None = None) -> list[End]:
        """List the failures about which nothing was done; about that of the loop's own step nothing can be, in its body."""
        failed = [(name, end) for name, end in ends.items() if end.status == "failed"]
        return [end for name, end in failed if name == own or not self.handled(name, ends)]

    def handled(self, name: str, ends: Mapping[str, End]) -> bool:
        """Say whether something was done about a failure."""
        followers = [other for other in ends if f"{name}.error" in self.steps[other].get("after", [])]
        rescuers = [other for other in ends if other == self.steps[name].get("on_error")]
        return any(ends[other].status != "skipped" for other in [*followers, *rescuers])


@dataclass
class _Scope:
    """The steps of a run or a component, or of one item of the loop `own`."""

    naive: Naive
    names: list[str]
    iteration: int = 0
    own: str | None = None
    item: Any = None
    known: dict[str, End] = field(default_factory=dict)

    def play(self) -> dict[str, End]:
        for name in self.names:
            self.naive.ends[self.naive.prefix + name, self.iteration] = self.end(name)
        return self.known

    def end(self, name: str) -> End:
        if name not in self.known:
            self.known[name] = self.begun(name) if self.runs(name) else self.skipped(name)
        return self.known[name]

    def runs(self, name: str) -> bool:
        if name == self.own:
            return True
        step = self.naive.steps[name]
        rescued = [
            other for other in self.names if self.naive.steps[other].get("on_error") == name and other != self.own
        ]
        if any(self.end(other).status == "failed" for other in rescued):
            return True
        edges = [self.taken(edge) for edge in step.get("after", [])]
        if not edges:
            return not rescued
        return any(edges) if step["join"] == "any" else all(edges)

    def taken(self, edge: str) -> bool:
        name, _, outcome = edge.partition(".")
        end = self.end(name)
        if outcome == "error":
            return end.status == "failed"
        whole = "for_each" in self.naive.steps[name] and (outcome == "each" or (name != self.own and outcome == ""))
        return end.status == "succeeded" and (whole or end.outcome == (outcome or "success"))

    def begun(self, name: str) -> End:
        step = self.naive.steps[name]
        if name != self.own and "if" in step and self.end(step["after"][0].partition(".")[0]).status != "succeeded":
            return self.skipped(name)
        if name != self.own and "for_each" in step:
            return self.loop(name)
        return self.component(name) if step["action"] == "playbook.call" else self.call(name)

    def skipped(self, name: str) -> End:
        """Skip a step, and all of a component that is called without a retry and outside of a loop of its own."""
        step = self.naive.steps[name]
        if step["action"] == "playbook.call" and "retry" not in step and (name == self.own or "for_each" not in step):
            inner, prefix = self.inner(name, 1), f"{self.naive.prefix}{name}/"
            self.naive.ends[f"{prefix}(inputs)", self.iteration] = SKIPPED
            for each in inner.steps:
                if inner.home(each) is None:
                    _Scope(inner, [], self.iteration).skipped(each)
                    self.naive.ends[f"{prefix}{each}", self.iteration] = SKIPPED
        return SKIPPED

    def loop(self, name: str) -> End:
        body = [name, *(other for other in self.naive.steps if self.naive.home(other) == name)]
        wrong: list[End] = []
        for number, item in enumerate(self.naive.steps[name]["for_each"], start=1):
            ends = _Scope(self.naive, body, self.iteration * 1024 + number, name, item).play()
            wrong += self.naive.unhandled(ends, name)
        why = frozenset(code for end in wrong for code in end.why)
        return End("failed", why=why) if wrong else End("succeeded", "done")

    def inner(self, name: str, attempt: int) -> Naive:
        whole = self.naive
        steps = whole.components[whole.steps[name]["with"]["component"]]
        return Naive(steps, whole.components, whole.ends, f"{whole.prefix}{name}/", whole.later + attempt - 1)

    def component(self, name: str) -> End:
        """Call a component, which may be tried again with all its steps."""
        step, ends = self.naive.steps[name], self.naive.ends
        attempts = step["retry"]["attempts"] if "retry" in step else 1
        why: frozenset[str] = frozenset()
        for attempt in range(1, attempts + 1):
            inner = self.inner(name, attempt)
            iteration = self.iteration * 1024 + 1000 + attempt if attempts > 1 else self.iteration
            ends[f"{inner.prefix}(inputs)", iteration] = DONE
            wrong = inner.unhandled(inner.round(iteration))
            why = frozenset(code for end in wrong for code in end.why)
            if attempts > 1:
                ends[self.naive.prefix + name, iteration] = End("failed") if wrong else DONE
            if not wrong:
                return End("succeeded", "success", attempt)
            if "refused" in why or not why <= set(step.get("retry", {}).get("errors", why)):
                break
        return End("failed", None, attempt, why=why)

    def call(self, name: str) -> End:
        step = self.naive.steps[name]
        value = self.value(name)
        script = self.item if name == self.own else step["with"]["do"]
        retry = step["retry"]
        for attempt in range(1, retry["attempts"] + 1):
            verb = script[min(attempt + self.naive.later, len(script)) - 1][-1]
            if verb in PERMANENT:
                return End("failed", None, attempt, value, frozenset({"refused"}))
            if verb == "error" and "busy" not in retry.get("errors", ["busy"]):
                return End("failed", None, attempt, value, frozenset({"busy"}))
            if verb != "error":
                return End("succeeded", "success" if verb == "ok" else verb, attempt, value)
        return End("failed", None, retry["attempts"], value, frozenset({"busy"}))

    def value(self, name: str) -> Any:
        """Say what the step is given: a literal, or what it sees of the steps that it follows."""
        step = self.naive.steps[name]
        if not isinstance(step["with"]["value"], str):
            return step["with"]["value"]
        if name == self.own:
            return self.iteration % 1024 - 1
        return [self.seen(edge.partition(".")[0]) for edge in step["after"]]

    def seen(self, name: str) -> Any:
        end, step = self.end(name), self.naive.steps[name]
        if "for_each" in step and name != self.own:
            return None if end.status == "skipped" else len(step["for_each"])
        shown = "component" if step["action"] == "playbook.call" else self.naive.prefix + name
        return shown if end.status == "succeeded" else None
