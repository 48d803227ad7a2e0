"""From notices to the text of one message, with what comes from outside made harmless for where it is read. Pure.

Titles of alerts and names of hosts are written by whoever attacks. In a mail or a JSON document they are plain text; in a
chat, marks would become markup and mentions, so that they are replaced by characters that look alike and mean nothing. An
address that comes from outside never becomes a link.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Final

MOST_SHOWN: Final = 12
_LONGEST_TITLE: Final = 200
_LONGEST_TEXT: Final = 600
_LOOK_ALIKES: Final = str.maketrans(
    {
        "@": "\uff20",
        "<": "\u2039",
        ">": "\u203a",
        "*": "\u2217",
        "_": "\uff3f",
        "`": "\u02cb",
        "~": "\u223c",
        "|": "\u01c0",
        "[": "\uff3b",
        "]": "\uff3d",
        "#": "\uff03",
        "&": "\uff06",
        "\\": "\uff3c",
        "!": "\u01c3",
        "$": "\uff04",
        "{": "\uff5b",
        "}": "\uff5d",
    }
)
_ADDRESS: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}):/?/")
_MAILTO: Final = re.compile(r"(?i)\b(mailto|tel|javascript|data):")
_WWW: Final = re.compile(r"(?i)\bwww\.")
# Chats make links, and previews, of bare names of hosts too; this dot looks alike and means nothing to them.
_NAME_DOT: Final = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2})")
_ONE_DOT: Final = "\u2024"


class Reading(StrEnum):
    """How what is sent will be read."""

    PLAIN = "plain"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to tell: words from outside in `title` and `detail`, our own addresses in `links` as (word, address).

    `reminder` counts how often it was told before, and is -1 where others are told because nobody has taken it over.
    """

    title: str
    detail: str = ""
    links: tuple[tuple[str, str], ...] = ()
    reminder: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a title of one line, a text, and for mails the same as HTML."""

    title: str
    text: str
    html: str = ""


def harmless(text: str, reading: Reading, *, longest: int = _LONGEST_TEXT) -> str:
    """Return words from outside on one line, without what is not seen, leads anywhere, or marks up."""
    seen = "".join(
        " " if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else each for each in text
    )
    line = " ".join(seen.split())
    line = _WWW.sub("www[.]", _MAILTO.sub(r"\1[:]", _ADDRESS.sub(r"\1[:]//", line)))
    if reading is Reading.CHAT:
        line = _NAME_DOT.sub(_ONE_DOT, line.translate(_LOOK_ALIKES))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def compose(lines: Sequence[Line], reading: Reading, *, organization: str, more: str) -> Message:
    """Return one message for all lines: the first ones in full, and how many there are beyond; `more` is where to look."""
    shown = lines[:MOST_SHOWN]
    parts = []
    for line in shown:
        rows = [_title(line, reading)]
        if line.detail:
            rows.append(harmless(line.detail, reading))
        rows += [f"{word}: {address}" for word, address in line.links]
        parts.append("\n".join(rows))
    left = len(lines) - len(shown)
    if left:
        parts.append(f"And {left} more: {more}")
    name = harmless(organization, reading, longest=60)
    what = _title(lines[0], reading) if len(lines) == 1 else f"{len(lines)} things to know"
    title = f"Ringfence {name}: {what}"[:_LONGEST_TITLE]
    return Message(title, "\n\n".join(parts), _html(title, shown, reading, left, more))


def _html(title: str, lines: Sequence[Line], reading: Reading, left: int, more: str) -> str:
    """Return the same as HTML: every word escaped, no image, no style and no script; links are ours alone."""
    parts = []
    for line in lines:
        rows = [f"<strong>{escape(_title(line, reading))}</strong>"]
        if line.detail:
            rows.append(escape(harmless(line.detail, reading)))
        links = (f'<a href="{escape(address)}">{escape(word)}</a>' for word, address in line.links)
        if said := " · ".join(links):
            rows.append(said)
        parts.append(f"<p>{'<br>'.join(rows)}</p>")
    if left:
        parts.append(f'<p><a href="{escape(more)}">And {left} more</a></p>')
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return f'<!DOCTYPE html><html lang="en">{head}<body>{"".join(parts)}</body></html>'


def _title(line: Line, reading: Reading) -> str:
    said = harmless(line.title, reading, longest=_LONGEST_TITLE)
    if line.reminder < 0:
        return f"Nobody has taken this over: {said}"
    return f"Still so: {said}" if line.reminder else said
