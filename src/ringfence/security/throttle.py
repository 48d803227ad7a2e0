"""Slow guessing down."""

import math
import threading
from collections import OrderedDict

from ringfence import clock
from ringfence.errors import NotSignedIn
from ringfence.security.people import LONGEST_NAME


class Throttle:
    """Slow guessing down: after `free` failures for one name, each further one doubles the wait, up to `longest`.

    It never locks anybody out: the wait ends by itself, and sign-in links are not touched. At most `names` are remembered.
    """

    def __init__(self, *, free: int = 5, first: float = 1.0, longest: float = 60.0, names: int = 10_000) -> None:
        self._free, self._first, self._longest, self._names = free, first, longest, names
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def demand(self, name: str) -> None:
        """Raise NotSignedIn while `name` has to wait."""
        with self._lock:
            _, until = self._failures.get(_folded(name), (0, 0.0))
        wait = until - clock.timestamp()
        if wait > 0:
            seconds = math.ceil(wait)
            raise NotSignedIn(
                "There were too many failed attempts for this name.",
                advice=f"Wait {seconds} second{'s' if seconds > 1 else ''} and try again, or use a sign-in link.",
            )

    def failed(self, name: str) -> None:
        """Count a failure."""
        with self._lock:
            count = self._failures.pop(_folded(name), (0, 0.0))[0] + 1
            wait = 0.0 if count < self._free else min(self._longest, self._first * 2.0 ** min(count - self._free, 30))
            self._failures[_folded(name)] = (count, clock.timestamp() + wait)
            while len(self._failures) > self._names:
                self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(_folded(name), None)


def _folded(name: str) -> str:
    return name.strip()[:LONGEST_NAME].casefold()
