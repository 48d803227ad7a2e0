"""The only source of time and identity, so that tests can own both.

Times are timezone-aware datetimes in UTC; ids are UUIDv7 texts, whose order is the order of their making.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

_lock = threading.Lock()
_last = (0, 0)


def _system_time() -> float:
    return time.time()


_source: Callable[[], float] = _system_time


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.fromtimestamp(_source(), UTC)


def timestamp() -> float:
    """Return the present time as seconds since the epoch."""
    return _source()


def replace(source: Callable[[], float] | None) -> None:
    """Let `source` (seconds since the epoch) tell the time from now on; None gives the system's clock back."""
    global _source
    _source = source or _system_time


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562) as text; ids made by one process sort in the order of their making."""
    global _last
    with _lock:
        millis = max(int(_source() * 1000), _last[0])
        counter = _last[1] + 1 if millis == _last[0] else int.from_bytes(os.urandom(1)) & 0x7F
        if counter > 0xFFF:
            millis, counter = millis + 1, 0
        _last = (millis, counter)
    value = (
        (millis & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def iso(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds and a Z, the one form that pages, logs and the API use."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
