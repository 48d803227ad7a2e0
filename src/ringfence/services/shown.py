"""A service as people read it: what its words mean now, with the installation's words where it has none."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ringfence.errors import Invalid
from ringfence.services import history, pace
from ringfence.services.model import Service
from ringfence.services.pools import unserved


@dataclass(frozen=True, slots=True)
class Shown:
    """A service with the meaning of its words.

    `interval_seconds` is None where the pace is adaptive, `history_start` where the words about history mean nothing today.
    `unserved` says that no living worker reads it, and is empty where one does.
    """

    service: Service
    interval: str
    interval_seconds: float | None
    history: str
    history_start: datetime | None
    unserved: str = ""


def show(
    service: Service,
    *,
    interval: float,
    history_words: str,
    now: datetime,
    served: Collection[str] | None = None,
) -> Shown:
    """Return what a service means; the installation polls each `interval` seconds and reads back to `history_words`.

    `served` are the pools with a living worker, None where that is not asked.

    Call it off the event loop: unusual words about time take a while to read.
    """
    seconds = pace.interval(service.interval) if service.interval else interval
    words = service.history or history_words
    try:
        start = history.start(words, now)
    except Invalid:
        start = None
    alone = unserved(service, served) if served is not None else ""
    return Shown(service, _length(seconds), seconds, words, start, alone)


def _length(seconds: float | None) -> str:
    if seconds is None:
        return pace.ADAPTIVE
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
