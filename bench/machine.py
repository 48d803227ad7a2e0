"""Name the machine and the software that the figures were measured on."""

import os
import platform
import sqlite3
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader must know to compare figures; `load` is the load average of the minute before."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    sqlite: str
    postgresql: str
    libraries: str
    load: float

    @property
    def document(self) -> dict[str, object]:
        """It as JSON."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """It in words."""
        cores = f"{self.cores} core{'' if self.cores == 1 else 's'}"
        return (
            f"{self.processor}, {cores}, {self.memory_gib:.0f} GiB; {self.system}; Python {self.python}, "
            f"SQLite {self.sqlite}, PostgreSQL {self.postgresql}; {self.libraries}. "
            f"Load average when it began: {self.load:.1f}."
        )


def describe(*, postgresql: str) -> Machine:
    """Describe this machine; `postgresql` is the version of the server that is measured against."""
    return Machine(
        processor=_processor(),
        cores=len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1,
        memory_gib=psutil.virtual_memory().total / 2**30,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        postgresql=postgresql,
        libraries=", ".join(f"{name} {version(name)}" for name in ("dbos", "sqlalchemy", "httpx", "fastapi")),
        load=load(),
    )


def load() -> float:
    """Return how many processes wanted a core, on average over the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()
