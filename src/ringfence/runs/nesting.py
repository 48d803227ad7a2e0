"""How the steps of a run stand in each other, and which of several failures is the cause of the others. Pure.

An item stands in its loop, a try in its call, a component's step in the call of the component.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from ringfence.playbooks import rounds
from ringfence.runs.picture import Seen

Key: TypeAlias = tuple[str, int]


class Standing(Seen, Protocol):
    """What is asked of a step of a run that may have failed."""

    @property
    def error(self) -> str: ...
    @property
    def error_code(self) -> str: ...


S = TypeVar("S", bound=Standing)


@dataclass(frozen=True, slots=True)
class Cause(Generic[S]):
    """One failure that no other one explains, and all steps that failed in this way."""

    steps: tuple[S, ...]

    @property
    def first(self) -> S:
        """The one to speak of."""
        return self.steps[0]


def tree(steps: Sequence[S]) -> tuple[tuple[S, int], ...]:
    """Put each step behind the one that it stands in, with its depth, from 0; otherwise the order stays."""
    there = {_key(step): step for step in steps}
    inside: dict[Key | None, list[S]] = {}
    for step in steps:
        inside.setdefault(next((key for key in _outer(*_key(step)) if key in there), None), []).append(step)

    def below(key: Key | None, depth: int) -> Iterator[tuple[S, int]]:
        for step in inside.get(key, ()):
            yield step, depth
            yield from below(_key(step), depth + 1)

    return tuple(below(None, 0))


def causes(steps: Iterable[S]) -> tuple[Cause[S], ...]:
    """Return the failures that explain the others; those of one step with the same error are one.

    A loop or a call failed because of what failed in it, unless its error has a code that none of these has (`timeout`).
    """
    failed = {_key(step): step for step in steps if step.status == "failed" and step.error}
    codes: dict[Key, set[str]] = {}
    for key, step in failed.items():
        for outer in _outer(*key):
            if outer in failed:
                codes.setdefault(outer, set()).update(_codes(step))
    found: dict[tuple[str, str], list[S]] = {}
    for key, step in failed.items():
        if key not in codes or not _codes(step) <= codes[key]:
            found.setdefault((step.step, step.error), []).append(step)
    return tuple(Cause(tuple(group)) for group in found.values())


def _key(step: Seen) -> Key:
    return step.step, step.iteration


def _outer(step: str, iteration: int) -> Iterator[Key]:
    """Give all that a step may stand in, the nearest first: its own loop or call, then the calls around, round by round."""
    around = [iteration]
    while around[-1]:
        around.append(rounds.outer_of(around[-1]))
    yield from ((step, each) for each in around[1:])
    while "/" in step:
        step = step.rpartition("/")[0]
        yield from ((step, each) for each in around)


def _codes(step: Standing) -> set[str]:
    return {code.strip() for code in step.error_code.split(",")} - {""}
