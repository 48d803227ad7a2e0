"""Times as Microsoft writes them: UTC with a Z, up to seven digits of a second, trailing zeros cut.

Inside the simulator a moment that is compared is a whole number of ticks (100 nanoseconds) since 1970.
"""

import math
import re
from datetime import UTC, datetime, timedelta

TICKS = 10_000_000
"""Ticks in a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOTNET_EPOCH_SECONDS = 62_135_596_800
_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?)?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE | re.ASCII
)


def to_ticks(seconds: float) -> int:
    """Turn seconds since the epoch into ticks, exact to a microsecond."""
    return round(seconds * 1_000_000) * 10


def write(ticks: int) -> str:
    """Write ticks as text, for instance 2023-04-25T22:52:11.5648315Z."""
    seconds, fraction = divmod(ticks, TICKS)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="seconds")[:19]
    return f"{text}.{fraction:07d}".rstrip("0").rstrip(".") + "Z" if fraction else text + "Z"


def stamp(seconds: float) -> str:
    """Write seconds since the epoch as text."""
    return write(to_ticks(seconds))


def read(text: str) -> int:
    """Read a text into ticks; a date alone is midnight, a missing zone is UTC. Raises ValueError."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date-time such as 2023-04-25T22:52:11Z.")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if zone and zone not in "Zz":
        shift = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= shift if zone[0] == "+" else -shift
    return seconds * TICKS + int((fraction or "0")[:7].ljust(7, "0"))


def read_seconds(text: str) -> float:
    """Read a text into seconds since the epoch. Raises ValueError."""
    return read(text) / TICKS


def database_step(seconds: float) -> int:
    """Return ticks on the next step of 1/300 s: the grid on which lastUpdateTime was recorded (fact book, odata)."""
    steps = math.ceil(round(seconds * 300, 4))
    return (steps * TICKS + 150) // 300


def dotnet_ticks(seconds: float) -> int:
    """Return the 18-digit .NET ticks (since the year 1) that alert ids carry."""
    return to_ticks(seconds) + _DOTNET_EPOCH_SECONDS * TICKS
