"""Where the ways of a playbook's steps meet again: CACAO nests its branches, ours are a graph.

The step at which all that follows from some steps meets is their meeting point (the immediate post-dominator); None stands
for the end of the run. Failures are not looked at: they lead away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ringfence.playbooks.graph import follows, ordered, predecessors
from ringfence.playbooks.model import ERROR, SUCCESS, Catalogue, Playbook

ANY = "*"


@dataclass(frozen=True, slots=True)
class Flow:
    """The ways on from each step: by outcome, `*` for however it succeeded; `failed` are those after a failure."""

    roots: tuple[str, ...]
    ways: Mapping[str, Mapping[str, tuple[str, ...]]]
    failed: Mapping[str, tuple[str, ...]]
    outcomes: Mapping[str, tuple[str, ...]]
    _up: dict[str | None, str | None] = field(default_factory=dict)
    _height: dict[str | None, int] = field(default_factory=dict)

    def after(self, step: str, outcome: str) -> tuple[str, ...]:
        """Give the steps that follow an outcome of a step."""
        found = (*self.ways[step].get(outcome, ()), *self.ways[step].get(ANY, ()))
        return tuple(dict.fromkeys(found))

    def meeting(self, steps: Iterable[str]) -> str | None:
        """Give where the ways from some steps meet, one of themselves where the others lead there, None for the end."""
        first, *others = dict.fromkeys(steps)
        found: str | None = first
        for other in others:
            found = self._common(found, other)
        return found

    def beyond(self, step: str) -> str | None:
        """Give where all ways on from a step meet, None for the end."""
        return self._up[step]

    def _common(self, one: str | None, other: str | None) -> str | None:
        while one != other:
            if self._height[one] >= self._height[other]:
                one = self._up[one]
            else:
                other = self._up[other]
        return one


def flow_of(playbook: Playbook, catalogue: Catalogue) -> Flow:
    """Find the ways of a playbook that passed its checks."""
    outcomes = {name: _outcomes(step.action, catalogue) for name, step in playbook.steps.items()}
    ways: dict[str, dict[str, list[str]]] = {name: {} for name in playbook.steps}
    failed: dict[str, list[str]] = {name: [] for name in playbook.steps}
    rescuing = {step.on_error for step in playbook.steps.values() if step.on_error is not None}
    for name in playbook.steps:
        for follow in follows(playbook, name):
            if follow.step not in ways:
                continue
            if follow.outcome == ERROR:
                failed[follow.step].append(name)
                continue
            default = SUCCESS if SUCCESS in outcomes[follow.step] else ANY
            ways[follow.step].setdefault(follow.outcome or default, []).append(name)
    for name, step in playbook.steps.items():
        if step.on_error in ways and step.on_error not in failed[name]:
            failed[name].append(step.on_error)
    roots = tuple(name for name, step in playbook.steps.items() if not step.after and name not in rescuing)
    made = Flow(
        roots,
        {name: {outcome: tuple(found) for outcome, found in each.items()} for name, each in ways.items()},
        {name: tuple(found) for name, found in failed.items()},
        {
            name: (*found, *(other for other in ways[name] if other not in (*found, ANY)))
            for name, found in outcomes.items()
        },
    )
    _meet(made, ordered(predecessors(playbook)))
    return made


def _meet(flow: Flow, order: Iterable[str]) -> None:
    """Find for each step, from the last to the first, where all its ways on meet."""
    flow._up[None] = None
    flow._height[None] = 0
    for step in reversed(list(order)):
        nexts: list[str | None] = []
        for outcome in flow.outcomes[step]:
            found = flow.after(step, outcome)
            nexts += found or (None,)
        meeting: str | None = nexts[0]
        for other in nexts[1:]:
            meeting = flow._common(meeting, other)
        flow._up[step] = meeting
        flow._height[step] = flow._height[meeting] + 1


def _outcomes(action: str, catalogue: Catalogue) -> tuple[str, ...]:
    found = catalogue.find(action)
    return found.outcomes if found is not None else (SUCCESS,)
