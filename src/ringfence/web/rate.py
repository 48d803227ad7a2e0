"""How often somebody may do something: a bucket of tokens for each key, in the memory of this process."""

import math
from collections import OrderedDict

from ringfence import clock


class Rate:
    """Lets `per_minute` through for each key, as many at once, and tells the others how long to wait.

    At most `keys` are remembered; the one that was longest unused is forgotten first, and so never punished.
    """

    def __init__(self, per_minute: int, *, keys: int = 10_000) -> None:
        self._most = float(per_minute)
        self._keys = keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """Take a token and return 0, or return after how many seconds there is one."""
        now = clock.timestamp()
        left, at = self._buckets.pop(key, (self._most, now))
        left = min(self._most, left + max(0.0, now - at) * self._most / 60)
        wait = 0 if left >= 1 else math.ceil((1 - left) * 60 / self._most)
        self._buckets[key] = (left - 1 if wait == 0 else left, now)
        while len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return wait

    def settle(self, key: str, left: float) -> None:
        """Take note of how much is left by a better count; less than nothing is a debt."""
        self._buckets[key] = (left, clock.timestamp())

    def until_one(self, key: str) -> int:
        """Return after how many seconds there is a token again, 0 where there is one."""
        left, _ = self._buckets.get(key, (self._most, 0.0))
        return 0 if left >= 1 else math.ceil((1 - left) * 60 / self._most)

    def left(self, key: str) -> tuple[int, int]:
        """Return how many a key may send at once now, and after how many seconds it may send as many as ever."""
        left, _ = self._buckets.get(key, (self._most, 0.0))
        return max(0, math.floor(left)), math.ceil((self._most - left) * 60 / self._most)
