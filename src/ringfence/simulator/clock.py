"""The simulator's own time: the machine's clock plus an offset that a test may move or hold still."""

import time
from collections.abc import Callable
from datetime import datetime

_LATEST = 190_000_000_000.0


def _system_time() -> float:
    return time.time()


class SimulatorClock:
    """Tell the simulated time in seconds since the epoch, and how far a scenario has played.

    Speed shortens durations (of machine actions, of scenario offsets). It never stretches timestamps, which stay
    comparable with the clock of the machine that the client runs on.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        frozen: bool = False,
        start: datetime | float | None = None,
        source: Callable[[], float] = _system_time,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"The speed must be greater than 0, not {speed}.")
        self._source = source
        begin = start.timestamp() if isinstance(start, datetime) else source() if start is None else start
        self._offset = begin - source()
        self._frozen_at: float | None = begin if frozen else None
        self._speed = speed
        self._anchor = begin
        self._played = 0.0

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def now(self) -> float:
        """Return the simulated time as seconds since the epoch."""
        return self._source() + self._offset if self._frozen_at is None else self._frozen_at

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds`."""
        if seconds < 0:
            raise ValueError("The simulator's clock only moves forward: give seconds >= 0.")
        if self.now() + seconds > _LATEST:
            raise ValueError("The simulator's clock ends with the year 8000: give fewer seconds.")
        if self._frozen_at is None:
            self._offset += seconds
        else:
            self._frozen_at += seconds

    def freeze(self) -> None:
        """Hold the time still: from now on only `advance` moves it."""
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Let the time run again from where it was held."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - self._source()
            self._frozen_at = None

    def set_speed(self, speed: float) -> None:
        """Change the speed from this moment on; what has already played keeps its place."""
        if speed <= 0:
            raise ValueError(f"The speed must be greater than 0, not {speed}.")
        self._played = self.scenario_elapsed()
        self._anchor = self.now()
        self._speed = speed

    def scenario_elapsed(self) -> float:
        """Return how many scenario seconds have played."""
        return self._played + (self.now() - self._anchor) * self._speed

    def due(self, offset: float) -> float:
        """Return the moment at which the scenario second `offset` is reached, as seconds since the epoch."""
        return self._anchor + (offset - self._played) / self._speed

    def restart_scenario(self) -> None:
        """Begin the scenario again at this moment."""
        self._anchor, self._played = self.now(), 0.0

    def duration(self, seconds: float) -> float:
        """Return a duration as the present speed makes it, in seconds."""
        return seconds / self._speed

    def dump(self) -> dict[str, float | None]:
        """Return what `load` needs to continue."""
        return {
            "offset": self._offset,
            "frozen_at": self._frozen_at,
            "speed": self._speed,
            "anchor": self._anchor,
            "played": self._played,
        }

    def load(self, saved: dict[str, float | None]) -> None:
        """Continue from what `dump` returned."""
        self._offset = saved["offset"] or 0.0
        self._frozen_at = saved["frozen_at"]
        self._speed = saved["speed"] or 1.0
        self._anchor = saved["anchor"] or 0.0
        self._played = saved["played"] or 0.0
