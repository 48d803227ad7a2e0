"""Join, split, replace, shorten and convert."""

import base64
import binascii
import hashlib
import html
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal
from urllib.parse import quote, unquote

from pydantic import Field

from ringfence.actions import ActionError, Context, Effect, Json, as_text, fitting
from ringfence.connectors.text import bounded, connector

Text = Annotated[str, Field(description="The text; as a rule ${…}.", json_schema_extra={"format": "multi-line"})]


@connector.action(effect=Effect.PURE)
async def join(
    context: Context,
    values: Annotated[list[Json], Field(description="What is joined; null and empty texts are left out.")],
    separator: Annotated[str, Field(description="What stands between two.", max_length=100)] = ", ",
    last: Annotated[str | None, Field(description="What stands before the last instead, e.g. ' and '.")] = None,
) -> Json:
    """Put values together into one text; what is no text is written as JSON.

    Example:
        hosts:
          action: text.join
          with: {values: "${trigger.alerts[].computerDnsName}", separator: ", ", last: " and "}
    """
    texts = [text for text in map(as_text, values) if text]
    if last is not None and len(texts) > 1:
        return bounded(separator.join(texts[:-1]) + last + texts[-1])
    return bounded(separator.join(texts))


@connector.action(effect=Effect.PURE)
async def split(
    context: Context,
    text: Text,
    separator: Annotated[
        str | None, Field(description="Where it is cut; at blanks and line ends if left out.", min_length=1)
    ] = None,
    limit: Annotated[int, Field(description="Into how many parts at most, 1 to 10000.", ge=1, le=10_000)] = 1_000,
    empty: Annotated[bool, Field(description="Keep parts in which there is nothing.")] = False,
) -> Json:
    """Cut a text into parts, without the blanks around each.

    Example:
        recipients:
          action: text.split
          with: {text: "ines@contoso.com; bob@contoso.com", separator: ";"}
    """
    parts = (each.strip() for each in bounded(text).split(separator, limit - 1))
    return fitting(each for each in parts if each or empty)


@connector.action(effect=Effect.PURE)
async def replace(
    context: Context,
    text: Text,
    find: Annotated[str, Field(description="What is looked for, as it is written.", min_length=1)],
    replacement: Annotated[str, Field(description="What comes in its place.", max_length=10_000)] = "",
) -> Json:
    """Replace every occurrence of a text by another.

    Example:
        user:
          action: text.replace
          with: {text: "${trigger.alert.relatedUser.userName}", find: "CONTOSO\\\\", replacement: ""}
    """
    many = bounded(text).count(find)
    if len(text) + many * (len(replacement) - len(find)) > 1_000_000:
        message = "The text would be longer than 1000000 characters."
        raise ActionError(message, code="text-too-long", permanent=True, advice="Replace by less.")
    return text.replace(find, replacement)


@connector.action(effect=Effect.PURE)
async def shorten(
    context: Context,
    text: Text,
    length: Annotated[int, Field(description="How many characters it has at most, 1 to 100000.", ge=1, le=100_000)],
    ending: Annotated[str, Field(description="What shows that something was cut off.", max_length=50)] = "…",
) -> Json:
    """Cut a text off where it is too long.

    Example:
        title:
          action: text.shorten
          with: {text: "${trigger.alert.title}", length: 80}
    """
    if len(text) <= length:
        return text
    return (text[: max(length - len(ending), 0)] + ending)[:length]


def _from_base64(text: str) -> str:
    return base64.b64decode(text.strip(), validate=True).decode("utf-8")


def _from_hex(text: str) -> str:
    return bytes.fromhex(text.strip()).decode("utf-8")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


_WAYS: Final[Mapping[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "base64": lambda text: base64.b64encode(_bytes(text)).decode(),
    "from_base64": _from_base64,
    "hex": lambda text: _bytes(text).hex(),
    "from_hex": _from_hex,
    "url": lambda text: quote(_bytes(text), safe=""),
    "from_url": lambda text: unquote(text, errors="strict"),
    "html": html.escape,
    "from_html": html.unescape,
    "sha1": lambda text: hashlib.sha1(_bytes(text), usedforsecurity=False).hexdigest(),
    "sha256": lambda text: hashlib.sha256(_bytes(text)).hexdigest(),
}


@connector.action(effect=Effect.PURE)
async def convert(
    context: Context,
    text: Text,
    to: Annotated[
        Literal[
            "lower",
            "upper",
            "trim",
            "base64",
            "from_base64",
            "hex",
            "from_hex",
            "url",
            "from_url",
            "html",
            "from_html",
            "sha1",
            "sha256",
        ],
        Field(description="What becomes of it; `url` and `html` make it harmless inside one."),
    ],
) -> Json:
    """Write a text in another way: letter case, encodings, or its hash; bytes are those of UTF-8.

    Example:
        name:
          action: text.convert
          with: {text: "${trigger.alert.computerDnsName}", to: lower}
    """
    try:
        return _WAYS[to](bounded(text))
    except (ValueError, binascii.Error):
        message = f"The text cannot be read as {to.removeprefix('from_')}, or what it holds is no text."
        raise ActionError(message, code="not-readable", permanent=True, advice="Look at the step's input.") from None
