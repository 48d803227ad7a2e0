"""Times and durations as people read them. `static/js/app.js` says the same words as time goes on."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from markupsafe import Markup, escape

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MOMENT: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_CODE: Final = re.compile(r"`([^`\n]{1,300})`")


def said(sentence: str) -> Markup:
    """Return a sentence of ours or of others for a page.

    What stands between backticks is set as code, a moment as the record has it in a form that is read; the rest is text.
    """
    return Markup(_MOMENT.sub(_read, _CODE.sub(r"<code>\1</code>", str(escape(sentence)))))


def _read(found: re.Match[str]) -> str:
    try:
        moment = datetime.fromisoformat(found[0])
    except ValueError:
        return found[0]
    return f'<time datetime="{found[0]}" title="{exact(moment)}">{moment:%Y-%m-%d %H:%M} UTC</time>'


def sentence(words: str) -> str:
    """Return what somebody wrote with a full stop, unless it ends in a mark of its own."""
    return words if not words or words.rstrip()[-1:] in ".!?…" else f"{words.rstrip()}."


def exact(moment: datetime) -> str:
    """Return a moment to the second: `2026-03-01 10:02:03 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock_time(moment: datetime) -> str:
    """Return the time of day to the millisecond: `10:02:03.045`."""
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def _rough(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def relative(moment: datetime, now: datetime) -> str:
    """Return how far a moment is from now: `just now`, `3 min ago`, `in 2 h 5 min`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    if seconds > 0:
        return f"{_rough(seconds)} ago"
    return f"in {_rough(-seconds)}" if seconds > -60 else f"in {duration(timedelta(seconds=int(-seconds)))}"


def duration(length: timedelta) -> str:
    """Return a length of time with two parts at most: `340 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`."""
    seconds = length.total_seconds()
    if seconds < 0:
        return "0 ms"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3_600:
        first, second = (whole // 60, "min"), (whole % 60, "s")
    elif whole < 86_400:
        first, second = (whole // 3_600, "h"), (whole % 3_600 // 60, "min")
    else:
        first, second = (whole // 86_400, "d"), (whole % 86_400 // 3_600, "h")
    return f"{first[0]} {first[1]} {second[0]} {second[1]}" if second[0] else f"{first[0]} {first[1]}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 host`, `1,204 alerts`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Return a number of bytes as people read it: `512 bytes`, `1.4 MB`."""
    if number < 1000:
        return count(number, "byte")
    amount = float(number)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def json_line(value: Any) -> str:
    """Return a JSON value on one line: a text as it is, nothing as a dash."""
    if value is None:
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
