"""Which runs of a backtest the playbook's limits would have held back, or dropped. Pure.

How long a run takes no alert tells: each counts as taking as long as runs of the playbook mostly did.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ringfence.playbooks.plan import PlanLimits


class Turns:
    """Lets runs in, one after the other in the order of time; `length` is None where no run has ended yet."""

    def __init__(self, limits: PlanLimits | None, length: timedelta | None) -> None:
        self._limits = limits
        self._length = length
        self._going: list[tuple[datetime, str | None]] = []
        self.held = 0
        self.dropped = 0
        self.longest = timedelta(0)

    def take(self, at: datetime, machine: str | None) -> datetime | None:
        """Return when a run that was asked for would have begun, None if it would have been dropped."""
        if self._limits is None or self._length is None:
            return at
        self._going = [each for each in self._going if each[0] > at]
        begin = at
        for over in sorted(until for until, _ in self._going):
            if not self._full(begin, machine):
                break
            begin = over
        if begin > at:
            if self._limits.excess == "drop":
                self.dropped += 1
                return None
            self.held += 1
            self.longest = max(self.longest, begin - at)
        self._going.append((begin + self._length, machine))
        return begin

    def _full(self, at: datetime, machine: str | None) -> bool:
        assert self._limits is not None
        going = [each for until, each in self._going if until > at]
        if self._limits.concurrent is not None and len(going) >= self._limits.concurrent:
            return True
        return self._limits.one_per_machine and machine is not None and machine in going

    def notes(self) -> Iterator[str]:
        """Say for people what became of it; nothing where the playbook has no limits."""
        if self._limits is None:
            return
        if self._length is None:
            yield "No run of the playbook has ended yet: how many its limits would have held back is not known."
            return
        counted = f"Each run counts as taking {_rough(self._length)}, as runs of the playbook mostly did."
        if self.dropped:
            yield f"The limits of the playbook would have dropped {_many(self.dropped)}. {counted}"
        elif self.held:
            longest = f"the longest {_rough(self.longest)}"
            yield f"The limits of the playbook would have let {_many(self.held)} wait, {longest}. {counted}"
        else:
            yield f"The limits of the playbook would have held back no run. {counted}"


def _many(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _rough(length: timedelta) -> str:
    seconds = length.total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{seconds:.3g} s"
