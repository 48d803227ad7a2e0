"""How those that listen wait after a failure: longer each time."""

import random
from collections.abc import Callable
from typing import Final

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0


class Backoff:
    """Pauses after failures: twice as long each time, up to `longest` seconds, and a little by chance."""

    def __init__(
        self, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE, chance: Callable[[], float] = random.random
    ) -> None:
        self._first, self._longest, self._chance = first, longest, chance
        self.failures = 0

    def failed(self) -> float:
        """Count a failure and return how many seconds to wait now."""
        self.failures += 1
        wait = min(self._longest, self._first * 2.0 ** min(self.failures - 1, 30))
        return wait * (0.9 + 0.2 * self._chance())

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failures = 0
