"""Who saves a form of what somebody changed meanwhile is told so, and what they typed is still there."""

from ringfence.errors import Outdated, RingfenceError
from ringfence.storage import editions


def seen_of(name: str, about: str, seen: str) -> str:
    """Return which edition a form has seen of what it names: `seen` is of what was called `about`, any other is new to it."""
    return seen if seen and name.strip() == about else editions.NONE


def told(problem: RingfenceError) -> RingfenceError:
    """Return what a page says of a problem: where somebody was faster, that nothing typed is lost and how it gets through."""
    if not isinstance(problem, Outdated):
        return problem
    return Outdated(
        problem.message,
        advice="What you typed is kept in the form. Compare it with what is there now, and save it again to put it in its place.",
    )
