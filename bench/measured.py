"""A fresh process in which one thing is measured, so that nothing else is counted and memory begins at nothing.

`Measured` is the side that starts it; the other side is `python -m bench.measured MODULE`, which calls `measure` of that
module of this package with what comes on stdin. Both talk in lines of JSON.
"""

import importlib
import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.stage import Place, cpu_of
from ringfence import logs

_STATUS = Path("/proc/self/status")


class Measured:
    """A process that measures; a context manager that ends it."""

    def __init__(self, module: str, place: Place, **parameters: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.measured", module],
            # This package is no part of what is installed: it is found in the folder above it.
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say({"place": asdict(place), "parameters": parameters})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate()

    def _say(self, what: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Wait for what it has to say; RuntimeError if it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The measured process ended with status {self._process.wait()}; see above.")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def go_on(self) -> None:
        """Let it go on after it waited."""
        self._say({})

    @property
    def cpu(self) -> float:
        """CPU seconds that it has used."""
        return cpu_of(self._process.pid)


def measure(module: str, place: Place, **parameters: Any) -> dict[str, Any]:
    """Measure in a fresh process and return what it found."""
    with Measured(module, place, **parameters) as process:
        return process.hear()


class Talk:
    """The measured side of the conversation."""

    def say(self, what: object) -> None:
        """Tell the other side."""
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    def wait(self) -> dict[str, Any]:
        """Wait until the other side says something; SystemExit if it is gone."""
        line = sys.stdin.readline()
        if not line:
            raise SystemExit("The benchmark was ended.")
        heard: dict[str, Any] = json.loads(line)
        return heard


def peak_memory() -> float:
    """Return the most memory that this process ever held, in MiB.

    Not `ru_maxrss` on Linux: there it begins with the peak of the process that started this one.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Measure what the other side asks for."""
    logs.configure("warning")
    talk = Talk()
    asked = talk.wait()
    module = importlib.import_module(f"bench.{sys.argv[1]}")
    talk.say(module.work(talk, Place(**asked["place"]), **asked["parameters"]))


if __name__ == "__main__":
    main()
