"""What a loop goes over, and what it gives back: the pure half of `for_each`.

A loop's list is looked up once, when its turn has come. Its items are worked on side by side, at most `parallel` of them; an
item is over when every step of its body is. An item that fails lets the others go on; the loop has then failed as a whole,
and what the other items gave is kept:

    {"count": 3, "results": [{…}, null, {…}], "failed": [{"index": 1, "error": "…"}]}

`results` has the output of the loop's own action for each item, in the order of the list, null where it failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.errors import Invalid
from ringfence.playbooks.bounded import plain
from ringfence.playbooks.expressions import render
from ringfence.playbooks.graph import DONE
from ringfence.playbooks.model import Json
from ringfence.playbooks.rounds import MOST_ITEMS

MAX_ITEMS: Final = MOST_ITEMS
MAX_PARALLEL: Final = 50
MAX_ITEMS_OF_A_RUN: Final = 10_000
"""Items of all loops of a run together, those of loops in loops counted each time."""
MAX_AT_WORK: Final = 100
"""Items at work side by side in a run above which loops in loops begin no further one while they have one at work."""
ITEM_VARIABLES: Final = ("item", "index")
"""The names that the run document has beside its own while an item is worked on."""

_MOST_NAMED: Final = 3


class UnusableList(Invalid):
    """What a loop was to go over is not a list, or too long a one."""

    code = "unusable_list"


@dataclass(frozen=True, slots=True)
class ItemEnd:
    """How one item ended: what each of its steps that succeeded gave, by name, and why it failed, if it did."""

    outputs: Mapping[str, Json]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How a loop ended: its output, why it failed if it did, and what the steps of its body gave, item by item."""

    output: Json
    error: str
    outputs: Mapping[str, Json]

    @property
    def outcome(self) -> str | None:
        """The outcome, None where it failed."""
        return None if self.error else DONE


def items_of(values: Json, document: object, *, before: int = 0) -> list[Json]:
    """Look the list of a loop up; ExpressionError or UnusableList if there is none that it could go over.

    `before` is how many items the loops of the run had until now.
    """
    found = render(values, document)
    if not isinstance(found, list):
        given = "null" if found is None else f"a value of type {_KINDS[type(found)]}"
        raise UnusableList(
            f"`for_each` gives {given} where a list is needed.",
            advice="Write e.g. ${steps.machines.items || `[]`} if nothing is meant as an empty list.",
        )
    if len(found) > MAX_ITEMS:
        raise UnusableList(
            f"`for_each` gives {len(found)} items; a loop goes over {MAX_ITEMS} at most.",
            advice="Ask for less, or take the first by a slice: ${…[:1000]}.",
        )
    if before + len(found) > MAX_ITEMS_OF_A_RUN:
        raise UnusableList(
            f"`for_each` gives {len(found)} items more; the loops of a run go over {MAX_ITEMS_OF_A_RUN:,} in all.",
            advice="Go over less in one run: a loop in a loop counts again for each item of the outer one.",
        )
    return found


_KINDS: Final = {str: "text", bool: "boolean", int: "number", float: "number", dict: "object"}


def gathered(loop: str, body: tuple[str, ...], ends: list[ItemEnd]) -> LoopEnd:
    """Put together what the items of a loop gave, in their order; `body` names the steps that follow its own."""
    failed: list[Json] = [
        {"index": index, "error": end.error} for index, end in enumerate(ends) if end.error is not None
    ]
    results: list[Json] = [end.outputs.get(loop) for end in ends]
    outputs: dict[str, Json] = {name: [end.outputs.get(name) for end in ends] for name in body}
    error = f"{len(failed)} of {len(ends)} items failed. {_why(loop, ends)}" if failed else ""
    output: Json = {"count": len(ends), "results": results, "failed": failed}
    try:
        plain(output)
    except ValueError:
        what = "The results of all items together are too large to be kept; each item has its own."
        return LoopEnd({"count": len(ends), "results": None, "failed": failed[:_MOST_NAMED]}, error or what, {})
    return LoopEnd(output, error, outputs)


def _why(loop: str, ends: list[ItemEnd]) -> str:
    """Say why items failed: each reason once, with the first items that it holds for."""
    alike: dict[str, list[str]] = {}
    for number, end in enumerate(ends, 1):
        if end.error is not None:
            alike.setdefault(end.error, []).append(f"{loop}[{number}]")
    reasons = list(alike.items())
    said = [f"{_named(items)}: {error}" for error, items in reasons[:_MOST_NAMED]]
    others = sum(len(items) for _, items in reasons[_MOST_NAMED:])
    return " ".join([*said, *([f"(and {others} more)"] if others else [])])


def _named(items: list[str]) -> str:
    if len(items) <= _MOST_NAMED:
        return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
    return f"{', '.join(items[:2])} and {len(items) - 2} more"
