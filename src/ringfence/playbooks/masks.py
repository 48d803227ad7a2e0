"""`mask`: which fields of a step's input and output people are not shown. Pure.

`password` hides every field of that name, at any depth, of input and output; `output.user.password` hides that one field,
where `*` stands for any name and any item of a list; `input` and `output` alone hide all of it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, JsonValue

Json: TypeAlias = JsonValue
Side: TypeAlias = Literal["input", "output"]

# The word of `security.hiding`, which a pure module does not reach.
HIDDEN: Final = "[hidden]"
SIDES: Final[tuple[Side, ...]] = ("input", "output")
MOST: Final = 50
ANY: Final = "*"
_LONGEST: Final = 200
_DEEPEST: Final = 150
_SHORTEST_ELSEWHERE: Final = 4


def named(text: str) -> str:
    """Return the text of a mask, or ValueError with what is wrong with it."""
    if not text or len(text) > _LONGEST or "" in text.split("."):
        raise ValueError(
            f"{text[:60]!r} cannot be hidden. Write the name of a field (password), or where it is (output.user.password)."
        )
    return text


Mask: TypeAlias = Annotated[str, AfterValidator(named)]


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of one step. `paths` begin with input or output, `names` are of fields anywhere."""

    names: frozenset[str] = frozenset()
    paths: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, masks: Sequence[str]) -> "Masks":
        """Read masks as a playbook writes them."""
        split = [tuple(mask.split(".")) for mask in masks]
        return cls(
            frozenset(path[0] for path in split if len(path) == 1 and path[0] not in SIDES),
            tuple(path for path in split if len(path) > 1 or path[0] in SIDES),
        )

    def __bool__(self) -> bool:
        return bool(self.names or self.paths)

    def apply(self, value: Json, side: Side) -> tuple[Json, list[str]]:
        """Return the value with its masked fields hidden, and the texts that they held, which are hidden elsewhere too."""
        if not self or value is None:
            return value, []
        found: list[str] = []
        paths = [
            path[1:] if path[0] == side else path for path in self.paths if path[0] == side or path[0] not in SIDES
        ]
        return self._walk(value, paths, found, 0), found

    def _walk(self, value: Json, paths: list[tuple[str, ...]], found: list[str], depth: int) -> Json:
        if () in paths or depth > _DEEPEST:
            found.extend(_texts(value))
            return HIDDEN
        match value:
            case dict():
                return {name: self._field(name, each, paths, found, depth) for name, each in value.items()}
            case list():
                return [
                    self._walk(each, _below(paths, str(index)), found, depth + 1) for index, each in enumerate(value)
                ]
            case _:
                return value

    def _field(self, name: str, value: Json, paths: list[tuple[str, ...]], found: list[str], depth: int) -> Json:
        below = _below(paths, name)
        return self._walk(value, [*below, ()] if name in self.names else below, found, depth + 1)


def _below(paths: Sequence[tuple[str, ...]], name: str) -> list[tuple[str, ...]]:
    return [path[1:] for path in paths if path and path[0] in (name, ANY)]


def _texts(value: Json) -> Iterator[str]:
    """Give the texts in what is hidden, and its numbers as texts, unless they are too short to be told from other words."""
    match value:
        case str():
            if len(value) >= _SHORTEST_ELSEWHERE:
                yield value
        case bool() | None:
            return
        case int() | float():
            if len(written := json.dumps(value)) >= _SHORTEST_ELSEWHERE:
                yield written
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
