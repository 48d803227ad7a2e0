"""Note what webhooks refuse without keeping anybody waiting: in memory first, a bounded lot, and in rows a little later.

Whoever floods an address costs a few numbers in memory and one small transaction every few seconds: of each webhook only the
newest are kept one by one until then, all others are counted. An address that leads to no webhook leaves nothing behind.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from ringfence import clock, logs
from ringfence.listeners import refusals
from ringfence.listeners.refusals import Reason, Refused
from ringfence.storage import Database

PAUSE: Final = 5.0
"""Seconds for which refusals are gathered before they are written."""
MOST_TOGETHER: Final = 50
"""How many refusals of a webhook are kept one by one in that time."""
MOST_UNKNOWN: Final = 200
"""Of how many addresses that may lead to no webhook refusals are kept until that is known."""
_ID: Final = 36
_LARGEST: Final = 10**15
_log = logs.get(__name__)


@dataclass(slots=True)
class _Heap:
    newest: deque[tuple[Reason, datetime, str, int | None]] = field(default_factory=lambda: deque(maxlen=MOST_TOGETHER))
    refused: Counter[tuple[str, Reason]] = field(default_factory=Counter)
    dropped: Counter[tuple[str, Reason]] = field(default_factory=Counter)

    def add(self, reason: Reason, at: datetime, address: str, size: int | None) -> None:
        if len(self.newest) == MOST_TOGETHER:
            lost, when, _, _ = self.newest[0]
            self.dropped[_day(when), lost] += 1
        self.newest.append((reason, at, address, size))
        self.refused[_day(at), reason] += 1

    def seen(self) -> Refused:
        counts = {each: (count, self.dropped[each]) for each, count in self.refused.items()}
        # What was lost was refused in this time too, so each that is dropped has been counted.
        return Refused(tuple(self.newest), counts)


class Refusing:
    """Gathers refusals for one server, on its event loop, and writes them every few seconds while there are any."""

    def __init__(self, database: Database, *, pause: float = PAUSE) -> None:
        self._database = database
        self._pause = pause
        self._heaps: dict[str, _Heap] = {}
        self._known: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def note(self, webhook_id: str, reason: Reason, *, address: str, size: int | None, known: bool = False) -> None:
        """Note that a message was refused; `known` says that the webhook was there a moment ago."""
        if known:
            self._known.add(webhook_id)
        if webhook_id not in self._heaps and not self._has_room(webhook_id):
            return
        heap = self._heaps.setdefault(webhook_id, _Heap())
        heap.add(reason, clock.now(), address, None if size is None else min(size, _LARGEST))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_on(), name="refusals of webhooks")

    def _has_room(self, webhook_id: str) -> bool:
        if webhook_id in self._known:
            return True
        return len(webhook_id) == _ID and len(self._heaps.keys() - self._known) < MOST_UNKNOWN

    async def _write_on(self) -> None:
        while self._heaps:
            await asyncio.sleep(self._pause)
            await self.flush()

    async def flush(self) -> None:
        """Write what was gathered, now; what cannot be written is gathered on, as much as there is room for."""
        heaps, self._heaps = self._heaps, {}
        if not heaps:
            return
        found: Mapping[str, Refused] = {webhook_id: heap.seen() for webhook_id, heap in heaps.items()}
        try:
            there = await self._database.run(partial(refusals.write, found=found))
        except Exception:
            _log.exception("refusals_not_stored")
            self._take_back(heaps)
            return
        self._known = (self._known - found.keys()) | there

    def _take_back(self, heaps: Mapping[str, _Heap]) -> None:
        for webhook_id, heap in heaps.items():
            since = self._heaps.get(webhook_id)
            if since is not None:
                for each in since.newest:
                    heap.add(*each)
                # Of these the newest were counted just now; what they had lost before is not there any more.
                heap.refused.update(since.dropped)
                heap.dropped.update(since.dropped)
            self._heaps[webhook_id] = heap


def _day(at: datetime) -> str:
    return at.date().isoformat()
