"""How far back a poll may go, read from words: strictly, so that what is shown back as a date is what was meant."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from ringfence.errors import Invalid

_ADVICE: Final = "Write for example `1 day ago`, `12 hours ago`, `now` or `2026-01-31`."
_LONGEST: Final = 100
_AGO: Final = re.compile(r"(\d{1,6}) (second|minute|hour|day|week)s? ago", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def start(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means, in UTC; Invalid if it is none, is in the future, or can be read in two ways.

    The common forms are read at once; any other takes a third of a second the first time, so keep it off the event loop.
    """
    words = " ".join(text.split())
    if not words or len(words) > _LONGEST:
        raise _refused(text, "is not a time")
    try:
        found = _common(words.lower(), now) or _parsed(words, now)
        found = found.astimezone(UTC) if found is not None else None
    except (OverflowError, ValueError):
        found = None
    if found is None:
        raise _refused(text, "is not a time, or not a clear one")
    if found > now:
        raise _refused(text, f"is in the future ({found:%Y-%m-%d %H:%M} UTC)")
    return found


def _common(words: str, now: datetime) -> datetime | None:
    if words == "now":
        return now
    ago = _AGO.fullmatch(words)
    if ago is not None:
        return now - timedelta(**{f"{ago[2]}s": int(ago[1])})
    if _DATE.fullmatch(words.upper()):
        read = datetime.fromisoformat(words.upper())
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read
    return None


def _parsed(words: str, now: datetime) -> datetime | None:
    # Its import takes long, which only those who write unusual words should pay.
    import dateparser

    found = {
        dateparser.parse(
            words,
            languages=["en"],
            settings={
                "DATE_ORDER": order,
                "STRICT_PARSING": True,
                "RELATIVE_BASE": now,
                "TIMEZONE": "UTC",
                "RETURN_AS_TIMEZONE_AWARE": True,
                "PREFER_DATES_FROM": "past",
            },
        )
        for order in ("DMY", "MDY")
    }
    # What two countries read differently is not clear.
    return found.pop() if len(found) == 1 else None


def _refused(text: str, why: str) -> Invalid:
    return Invalid(f"{text[:40]!r} {why}.", advice=_ADVICE)
