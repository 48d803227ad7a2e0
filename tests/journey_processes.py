"""Workers as processes of their own that can be killed, forked from one that has imported everything.

Importing takes a worker seconds of CPU time, and the journeys start some seventy of them.
"""

import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import journey_worker

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["ringfence.serving", "dbos", "uvicorn"])


class WorkerProcess:
    """A worker; `crash` names the boundary at which it kills itself, and what it says goes to the file `log`."""

    def __init__(self, environment: dict[str, str], crash: dict[str, Any] | None, log: Path) -> None:
        self.log = log
        self._process = _FORKS.Process(target=_work, args=(environment, crash or {}, str(log)), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def ended(self) -> bool:
        """Return whether it has ended."""
        return self._process.exitcode is not None

    def kill(self) -> None:
        """Kill it, without a chance to tidy up."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end; returns the exit code, negative for a signal, None if it still runs after `timeout` seconds."""
        self._process.join(timeout)
        return self._process.exitcode


def _work(environment: dict[str, str], crash: dict[str, Any], log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    # A file and no pipe: a full pipe would stop it, and a failing test wants to be read.
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)
    journey_worker.main(crash)
