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
    """How a step ends, and what it was given."""

    status: str
    outcome: str | None = None
    attempt: int = 1
    value: Any = None


SKIPPED = End("skipped")


@dataclass
class Naive:
    """What becomes of a playbook: `ends` by step and iteration (items from 1), and of whole loops at 0."""

    steps: Steps
    ends: dict[Key, End] = field(default_factory=dict)

    def play(self) -> "Naive":
        """Do all of it."""
        _Scope(self, [name for name in self.steps if self.home(name) is None]).play()
        return self

    @property
    def status(self) -> str:
        """How the run ends."""
        outer = {name: end for (name, iteration), end in self.ends.items() if iteration == 0}
        failed = [name for name, end in outer.items() if end.status == "failed"]
        if any(not self.handled(name, outer) for name in failed):
            return "failed"
        return "partly_failed" if failed else "succeeded"

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

    def handled(self, name: str, ends: Mapping[str, End]) -> bool:
        """Say whether something was done about a failure."""
        followers = [other for other in ends if f"{name}.error" in self.steps[other].get("after", [])]
        rescuers = [other for other in ends if other == self.steps[name].get("on_error")]
        return any(ends[other].status != "skipped" for other in [*followers, *rescuers])


@dataclass
class _Scope:
    """The steps of a run, or of one item of the loop `own`."""

    naive: Naive
    names: list[str]
    iteration: int = 0
    own: str | None = None
    item: Any = None
    known: dict[str, End] = field(default_factory=dict)

    def play(self) -> dict[str, End]:
        for name in self.names:
            self.naive.ends[name, self.iteration] = self.end(name)
        return self.known

    def end(self, name: str) -> End:
        if name not in self.known:
            self.known[name] = self.begun(name) if self.runs(name) else SKIPPED
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
            return SKIPPED
        if name != self.own and "for_each" in step:
            return self.loop(name)
        return self.call(name)

    def loop(self, name: str) -> End:
        body = [name, *(other for other in self.naive.steps if self.naive.home(other) == name)]
        failed = False
        for number, item in enumerate(self.naive.steps[name]["for_each"], start=1):
            ends = _Scope(self.naive, body, number, name, item).play()
            wrong = [other for other, end in ends.items() if end.status == "failed"]
            failed = failed or any(other == name or not self.naive.handled(other, ends) for other in wrong)
        return End("failed") if failed else End("succeeded", "done")

    def call(self, name: str) -> End:
        step = self.naive.steps[name]
        value = self.value(name)
        script = self.item if name == self.own else step["with"]["do"]
        retry = step["retry"]
        for attempt in range(1, retry["attempts"] + 1):
            verb = script[min(attempt, len(script)) - 1][-1]
            if verb in PERMANENT or (verb == "error" and "busy" not in retry.get("errors", ["busy"])):
                return End("failed", None, attempt, value)
            if verb != "error":
                return End("succeeded", "success" if verb == "ok" else verb, attempt, value)
        return End("failed", None, retry["attempts"], value)

    def value(self, name: str) -> Any:
        """Say what the step is given: a literal, or what it sees of the steps that it follows."""
        step = self.naive.steps[name]
        if not isinstance(step["with"]["value"], str):
            return step["with"]["value"]
        if name == self.own:
            return self.iteration - 1
        return [self.seen(edge.partition(".")[0]) for edge in step["after"]]

    def seen(self, name: str) -> Any:
        end = self.end(name)
        if "for_each" in self.naive.steps[name] and name != self.own:
            return None if end.status == "skipped" else len(self.naive.steps[name]["for_each"])
        return name if end.status == "succeeded" else None
