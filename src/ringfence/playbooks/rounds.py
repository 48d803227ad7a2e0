"""In which round of which loop, and in which try of which call, a step stands: one number, which its row is known by. Pure.

What is done once has 0. A loop's items have the numbers 1 to 1,000; the tries of a call that may be tried again are counted
from 1,001. In a loop inside of these, ten bits more follow: the second item within the third is 3 << 10 | 2. So numbers of
steps in one place are in the order of their lists, and five levels fit into what JSON and every database hold exactly.
"""

import re
from typing import Final

MOST_ITEMS: Final = 1_000
MOST_TRIES: Final = 20
DEEPEST: Final = 5
"""How many loops, and calls that may be tried again, stand in each other at most."""
BITS: Final = 10
"""How many bits of the number a level has."""
LARGEST: Final = (1 << BITS * DEEPEST) - 1

_LAST: Final = (1 << BITS) - 1
_ROUND: Final = re.compile(r"(try )?([1-9][0-9]{0,3})")


def of_item(outer: int, number: int) -> int:
    """Give the round of a loop's item, counted from 1; `outer` is that of the loop."""
    return outer << BITS | number


def of_try(outer: int, number: int) -> int:
    """Give the round of a call's try, counted from 1; `outer` is that of the call."""
    return outer << BITS | MOST_ITEMS + number


def outer_of(iteration: int) -> int:
    """Give the round in which the loop or the call of a round stands."""
    return iteration >> BITS


def is_try(iteration: int) -> bool:
    """Tell whether a round is the try of a call, and not the item of a loop."""
    return iteration & _LAST > MOST_ITEMS


def number_of(iteration: int) -> int:
    """Give the number of the item or the try, from 1; 0 outside of all."""
    last = iteration & _LAST
    return last - MOST_ITEMS if last > MOST_ITEMS else last


def path_of(iteration: int) -> tuple[int, ...]:
    """Give the rounds from the outermost to this one; none for what is done once."""
    found: list[int] = []
    while iteration:
        found.append(iteration)
        iteration >>= BITS
    return tuple(reversed(found))


def depth_of(iteration: int) -> int:
    """Give in how many loops and calls a round stands."""
    return (iteration.bit_length() + BITS - 1) // BITS


def said(iteration: int) -> str:
    """Write a round for people: `3`, `3, 2` for the second item within the third, `try 2`; empty for what is done once."""
    return ", ".join(f"try {number_of(each)}" if is_try(each) else str(number_of(each)) for each in path_of(iteration))


def in_brackets(iteration: int) -> str:
    """Write a round as it follows the name of a step: `[3, 2]`, empty for what is done once."""
    return f"[{said(iteration)}]" if iteration else ""


def read(text: str) -> int | None:
    """Read what `said` writes; None where it is no round."""
    iteration = 0
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > DEEPEST:
        return None
    for part in parts:
        found = _ROUND.fullmatch(part)
        if found is None or int(found[2]) > (MOST_TRIES if found[1] else MOST_ITEMS):
            return None
        iteration = of_try(iteration, int(found[2])) if found[1] else of_item(iteration, int(found[2]))
    return iteration
