"""The steps of a playbook as a graph: which step follows which, in which order, and where it goes in circles.

A step with `for_each` is a loop. Whatever follows it by an outcome that one item can have (`loop.each`, `loop.yes`) is done
for each item, and so is what follows that: together they are the loop's body. What follows `loop`, `loop.done` or
`loop.error` is done once, when all of the loop is over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from ringfence.playbooks.model import ERROR, Playbook

DONE: Final = "done"
"""The outcome of a loop that is over."""

EACH: Final = "each"
"""The outcome by which a step follows each item of a loop that succeeded, however it did."""


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
    """Give, for each step, the existing steps that lead to it, by `after` or by their `on_error`.

    All of a loop leads to what follows the loop as a whole.
    """
    before: dict[str, dict[str, None]] = {name: {} for name in playbook.steps}
    whole: list[tuple[str, str]] = []
    for name, step in playbook.steps.items():
        for follow in follows(playbook, name):
            if follow.step in before:
                before[name][follow.step] = None
                if not per_item(playbook, follow):
                    whole.append((follow.step, name))
        if step.on_error in before:
            before[step.on_error][name] = None
            whole.append((name, step.on_error))
    inside = bodies(playbook)
    for loop, name in whole:
        if loop not in inside and inside.get(name) != loop:
            before[name] |= dict.fromkeys(body for body, of in inside.items() if of == loop)
    return {name: tuple(found) for name, found in before.items()}


def per_item(playbook: Playbook, follow: Follow) -> bool:
    """Tell whether an entry of `after` is taken once for each item of a loop, and not when the loop is over."""
    step = playbook.steps.get(follow.step)
    return step is not None and step.for_each is not None and follow.outcome not in (None, DONE, ERROR)


def bodies(playbook: Playbook) -> dict[str, str]:
    """Give the loop of each step that is in the body of one; of several, the one whose step stands first."""
    found: dict[str, str] = {}
    todo: list[str] = []
    after: dict[str, list[str]] = {name: [] for name in playbook.steps}
    for name, step in playbook.steps.items():
        for follow in follows(playbook, name):
            if per_item(playbook, follow) and follow.step != name:
                if name not in found:
                    todo.append(name)
                found.setdefault(name, follow.step)
            elif follow.step in after:
                after[follow.step].append(name)
        if step.on_error in after:
            after[name].append(step.on_error)
    while todo:
        name = todo.pop(0)
        for later in after[name]:
            if later not in found and later != found[name]:
                found[later] = found[name]
                todo.append(later)
    return found


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
    free = set(ordered(before))
    stuck = [name for name in before if name not in free]
    above = {name: ancestors(before, name) for name in stuck}
    seen: set[str] = set()
    for name in stuck:
        if name in seen or name not in above[name]:
            continue
        group = tuple(other for other in stuck if other == name or (other in above[name] and name in above[other]))
        seen.update(group)
        yield group
