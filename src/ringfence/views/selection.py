"""Work on a selection: one thing after the other, so that what is refused for one does not stop the others."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.errors import Invalid, RingfenceError, Unavailable

MOST: Final = 100
"""So many are worked on at once: each may cost a call of a tenant's budget."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of a selection: why it was not done, None where it was."""

    id: str
    problem: RingfenceError | None = None


def chosen(ids: Iterable[str], noun: str) -> list[str]:
    """Return what was selected, each once; Invalid if that is nothing, or more than can be worked on at once."""
    found = list(dict.fromkeys(ids))
    if not 1 <= len(found) <= MOST:
        raise Invalid(f"{len(found)} {noun}s are selected.", advice=f"Select 1 to {MOST} {noun}s.")
    return found


async def work_through(ids: Sequence[str], act: Callable[[str], Awaitable[object]]) -> list[Outcome]:
    """Do something to each of a selection, and return what became of each, in order."""
    done: list[Outcome] = []
    stopped: Unavailable | None = None
    for each in ids:
        try:
            if stopped is not None:
                raise stopped
            await act(each)
            done.append(Outcome(each))
        except RingfenceError as problem:
            # What is away for one is away for all: nobody waits a hundred times for the same refusal.
            stopped = problem if isinstance(problem, Unavailable) else stopped
            done.append(Outcome(each, problem))
    return done
