"""Search by regular expressions, with a bound on the time that any pattern and any text may take.

A search has a time limit in its engine and runs on a thread that lets go of the interpreter, so that neither a pattern that
goes astray nor hostile text holds anything up. What could cost memory without bound (recursion, fuzzy matching, repeated
repeats) is not offered.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from math import prod
from typing import Annotated, Final, TypeVar

import regex
from pydantic import Field

from ringfence.actions import ActionError, Context, Effect, Json, Result, fitting
from ringfence.connectors.text import bounded, connector

T = TypeVar("T")

SECONDS: Final = 1.0
LONGEST_SEARCHED: Final = 200_000
_MOST_MATCHES: Final = 1_000
_MOST_REPEATS: Final = 10_000
_REPEAT: Final = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_UNBOUNDED: Final = re.compile(r"\(\?(?:R|0|&|P>|[1-9+\-]\d*\))|(?<!\\)(?<!\\[pPNxu])\{[^}]*[a-z<=][^}]*\}|\\L<|\(\?\(")

Pattern = Annotated[
    str,
    Field(
        description="A regular expression; written in single quotes, it needs no escapes.", min_length=1, max_length=500
    ),
]
Text = Annotated[str, Field(description="The text; as a rule ${…}.", json_schema_extra={"format": "multi-line"})]
IgnoreCase = Annotated[bool, Field(description="Take upper and lower case for the same.")]


@connector.action(effect=Effect.PURE, outcomes=("matched", "unmatched"))
async def match(context: Context, text: Text, pattern: Pattern, ignore_case: IgnoreCase = False) -> Result:
    """Search a text by a regular expression, for at most 1 s.

    `matched`: it was found; `match` is the first place, with its `groups`, and `names` of groups, and `matches` lists every
    place, at most 1000. `unmatched`: it was not.

    Example:
        ticket:
          action: text.match
          with: {text: "${trigger.alert.title}", pattern: '(?<number>INC\\d{7})'}
    """
    compiled = _compiled(pattern, ignore_case)

    def search() -> list[Json]:
        found: list[Json] = []
        for each in _places(compiled, text):
            groups: list[Json] = list(each.groups())
            names: dict[str, Json] = dict(each.groupdict())
            found.append({"match": each[0], "groups": groups, "names": names})
        return fitting(found)

    matches = await _on_a_thread(search)
    if not matches:
        return Result("unmatched", {"match": None, "groups": [], "names": {}, "matches": []})
    first = matches[0]
    assert isinstance(first, dict)
    whole: list[Json] = [each["match"] for each in matches if isinstance(each, dict)]
    return Result("matched", {**first, "matches": fitting(whole)})


@connector.action(effect=Effect.PURE)
async def replace_matches(
    context: Context,
    text: Text,
    pattern: Pattern,
    replacement: Annotated[str, Field(description="What comes in the place of each match, as it is written.")] = "",
    ignore_case: IgnoreCase = False,
) -> Json:
    """Replace whatever a regular expression matches, for at most 1 s.

    Example:
        without_numbers:
          action: text.replace_matches
          with: {text: "${trigger.alert.title}", pattern: '\\d+', replacement: "#"}
    """
    compiled = _compiled(pattern, ignore_case)

    def work() -> str:
        parts, at = list[str](), 0
        for each in _places(compiled, text, most=LONGEST_SEARCHED):
            parts += (text[at : each.start()], replacement)
            at = each.end()
        return "".join((*parts, text[at:]))

    if len(replacement) * (len(text) + 1) > 100 * LONGEST_SEARCHED:
        message = "The text that would come of this is too long."
        raise ActionError(message, code="text-too-long", permanent=True, advice="Replace by less.")
    return bounded(await _on_a_thread(work))


@lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool) -> "regex.Pattern[str]":
    advice = "Correct the pattern; in YAML, write it in single quotes."
    if _UNBOUNDED.search(pattern):
        message = "The pattern uses recursion, conditions or fuzzy matching, which are not offered."
        raise ActionError(message, code="pattern-refused", permanent=True, advice=advice)
    counts = [max(int((most or least or "1")[:9]), 1) for least, most in _REPEAT.findall(pattern)]
    if prod(counts) > _MOST_REPEATS:
        message = f"The pattern repeats repeats: their counts multiply to more than {_MOST_REPEATS}."
        raise ActionError(message, code="pattern-refused", permanent=True, advice=advice)
    try:
        return regex.compile(pattern, regex.VERSION0 | (regex.IGNORECASE if ignore_case else 0))
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        said = getattr(error, "msg", None) or type(error).__name__
        message = f"The pattern cannot be read: {said}."
        raise ActionError(message, code="pattern-unreadable", permanent=True, advice=advice) from None


def _places(compiled: "regex.Pattern[str]", text: str, most: int = _MOST_MATCHES) -> Iterator["regex.Match[str]"]:
    for number, each in enumerate(compiled.finditer(bounded(text, LONGEST_SEARCHED), timeout=SECONDS, concurrent=True)):
        if number >= most:
            return
        yield each


async def _on_a_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except (TimeoutError, MemoryError):
        raise ActionError(
            f"The pattern could not be searched for within {SECONDS:g} s.",
            code="pattern-too-slow",
            permanent=True,
            advice="Use a simpler pattern: one repeat inside another is what costs most.",
        ) from None
