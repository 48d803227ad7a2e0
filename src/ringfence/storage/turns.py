"""Whose turn it is at the database: what cuts a host off, or lets it go, does not queue behind what can wait.

In an outbreak a hundred hosts want something at once. Work is taken by when it ought to be done at the latest: the moment at
which it came, and its patience. So what is urgent overtakes, and nothing waits for ever: whoever has waited for his patience
goes before what comes then.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, TypeVar

T = TypeVar("T")

ORDINARY: Final = 10.0
"""The patience of what says nothing else, in seconds."""
SOON: Final = 1.0
"""The patience of runs that may be about to contain a host."""
URGENT: Final = 0.0
"""The patience of what contains a host, or releases one."""

_patience: ContextVar[float] = ContextVar("ringfence_patience", default=ORDINARY)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Say for how many seconds what this context asks of the database lets others go first."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class Turns:
    """Some threads that work in turns; `now` is a seam for tests, in seconds."""

    def __init__(self, threads: int, name: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, int, Callable[[], Any], Future[Any]]] = []
        self._numbers = count()
        self._now = now

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Have work done by a thread when its turn has come, by the patience of this context."""
        done: Future[T] = Future()
        with self._lock:
            heappush(self._waiting, (self._now() + _patience.get(), next(self._numbers), work, done))
        # Whichever thread is free next takes what is due first, which need not be this.
        self._threads.submit(self._one)
        return done

    def _one(self) -> None:
        with self._lock:
            _, _, work, done = heappop(self._waiting)
        if not done.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    def close(self) -> None:
        """Do what is waiting, then let go of the threads."""
        self._threads.shutdown(wait=True)
