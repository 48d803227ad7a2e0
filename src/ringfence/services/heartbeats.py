"""Polls that met nothing new, gathered and written together: a thousand quiet services cost one small transaction."""

from dataclasses import dataclass
from datetime import datetime

from ringfence.services import records
from ringfence.storage import Database


@dataclass(slots=True)
class _Beat:
    polled_at: datetime
    next_poll_at: datetime
    polls: int


class Heartbeats:
    """Quiet polls that are not written yet; for one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beats: dict[str, _Beat] = {}

    def note(self, service_id: str, polled_at: datetime, next_poll_at: datetime) -> None:
        """Take note of a poll that met nothing new."""
        beat = self._beats.get(service_id)
        polls = beat.polls if beat is not None else 0
        self._beats[service_id] = _Beat(polled_at, next_poll_at, polls + 1)

    async def write(self) -> int:
        """Write what was noted and return for how many services; it is kept if that fails."""
        beats, self._beats = self._beats, {}
        if not beats:
            return 0
        rows = [(service_id, each.polled_at, each.next_poll_at, each.polls) for service_id, each in beats.items()]
        try:
            await self._database.run(lambda tx: records.beat(tx, rows))
        except BaseException:
            for service_id, each in beats.items():
                newer = self._beats.setdefault(service_id, _Beat(each.polled_at, each.next_poll_at, 0))
                newer.polls += each.polls
            raise
        return len(rows)
