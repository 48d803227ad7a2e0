"""How far back the first poll of an account goes, read from words."""

from datetime import datetime

from ringfence.errors import Misconfigured


def start(text: str, now: datetime) -> datetime:
    """Return the moment that `text` (`1 day ago`, `2026-01-31`) means; Misconfigured if it is none in the past."""
    # Its import takes a third of a second, which only those who poll should pay.
    import dateparser

    found = dateparser.parse(
        text.strip(),
        languages=["en"],
        settings={
            "STRICT_PARSING": True,
            "RELATIVE_BASE": now,
            "TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": True,
            "PREFER_DATES_FROM": "past",
        },
    )
    if found is None or found > now:
        raise Misconfigured(
            f"RINGFENCE_POLL_HISTORY is {text[:40]!r}, which is not a time in the past.",
            advice="Write for example `1 day ago`, `12 hours ago`, `now` or `2026-01-31`.",
        )
    return found
