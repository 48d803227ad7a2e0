"""The steps of a playbook as a graph: which step follows which, in which order, and where it goes in circles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from ringfence.playbooks.model import Playbook


@dataclass(frozen=True, slots=True)
class Follow:
    """One entry of a step's `after`, split at the dot; `outcome` is None where none is written."""

    step: str
    outcome: str | None

    @classmethod
    def parse(cls, text: str) -> "Follow":
        """Split `step` or `step.outcome`."""
        step, dot, outcome = text.partition(".")
        return cls(step, outcome if dot else None)


def follows(playbook: Playbook, step: str) -> tuple[Follow, ...]:
    """List what a step says it comes after."""
    return tuple(Follow.parse(entry) for entry in playbook.steps[step].after)


def predecessors(playbook: Playbook) -> dict[str, tuple[str, ...]]:
    """Give, for each step, the existing steps that lead to it, by `after` or by their `on_error`."""
    before: dict[str, dict[str, None]] = {name: {} for name in playbook.steps}
    for name, step in playbook.steps.items():
        for follow in follows(playbook, name):
            if follow.step in before:
                before[name][follow.step] = None
        if step.on_error in before:
            before[step.on_error][name] = None
    return {name: tuple(found) for name, found in before.items()}


def ordered(before: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Put steps after their predecessors, else in the document's order; those in or behind a circle are left out."""
    place = {name: index for index, name in enumerate(before)}
    names = list(before)
    waiting = {name: len(found) for name, found in before.items()}
    after: dict[str, list[str]] = {name: [] for name in before}
    for name, found in before.items():
        for earlier in found:
            after[earlier].append(name)
    free = [place[name] for name, count in waiting.items() if count == 0]
    order: list[str] = []
    while free:
        name = names[heappop(free)]
        order.append(name)
        for later in after[name]:
            waiting[later] -= 1
            if waiting[later] == 0:
                heappush(free, place[later])
    return order


def ancestors(before: Mapping[str, tuple[str, ...]], step: str) -> set[str]:
    """List every step from which this one can be reached."""
    found: set[str] = set()
    todo = list(before.get(step, ()))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(before.get(name, ()))
    return found


def circles(before: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Give each group of steps that wait for each other, in the order of the document."""
    stuck = [name for name in before if name not in set(ordered(before))]
    above = {name: ancestors(before, name) for name in stuck}
    seen: set[str] = set()
    for name in stuck:
        if name in seen or name not in above[name]:
            continue
        group = tuple(other for other in stuck if other == name or (other in above[name] and name in above[other]))
        seen.update(group)
        yield group
