"""What `ringfence serve` costs while nothing happens, and how long it takes until the first page."""

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx
import psutil

from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, Place, SimulatorProcess, cpu_of, install

NAME: Final = "idle"
_LOOK: Final = 0.01
_LONGEST: Final = 60.0
_SETTLING: Final = 5.0
_HOW: Final = """`ringfence serve` on SQLite (pages, API and worker in one process) with one connected account that is polled
every 60 seconds, in a data folder that was used before. *First page* counts from the start of the process to the first answer of
`GET /healthz` and of `GET /sign-in`, asked for every 10 ms; memory is the resident set {settling:g} s after that, and CPU the
share of one core over the {seconds:g} s that follow, in which nobody asks for anything."""


@dataclass(frozen=True, slots=True)
class _Found:
    healthy: float
    signed: float
    start_cpu: float
    memory: float
    cpu_share: float


def run(ground: Ground, *, seconds: float, repeats: int, settling: float = _SETTLING) -> Result:
    """Start it as often as `repeats` says, and watch it for `seconds` each time."""
    with SimulatorProcess() as simulator:
        place = ground.place(SQLITE)
        install(place, simulator=simulator)
        found = [_once(place, seconds, settling) for _ in range(repeats)]

    def median(value: Callable[[_Found], float]) -> float:
        return round(statistics.median(map(value, found)), 3)

    row = {
        "memory_mib": median(lambda each: each.memory),
        "cpu_percent": median(lambda each: each.cpu_share),
        "healthz_s": median(lambda each: each.healthy),
        "sign_in_s": median(lambda each: each.signed),
        "start_cpu_s": median(lambda each: each.start_cpu),
    }
    aims = [
        Aim("Memory while idle", row["memory_mib"], 200, "MiB"),
        Aim("From start to the first page", row["sign_in_s"], 3, "s"),
    ]
    columns = [
        Column("memory_mib", "memory, MiB", 0),
        Column("cpu_percent", "CPU, % of one core", 2),
        Column("healthz_s", "to GET /healthz, s", 2),
        Column("sign_in_s", "to GET /sign-in, s", 2),
        Column("start_cpu_s", "CPU-s until then", 2),
    ]
    return Result(NAME, "Idle", _HOW.format(settling=settling, seconds=seconds), columns, [row], aims)


def _once(place: Place, seconds: float, settling: float) -> _Found:
    port = _free_port()
    environment = os.environ | {"RINGFENCE_DATA": place.folder, "RINGFENCE_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "ringfence", "serve", "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            healthy = _until_answered(process, client, "/healthz") - began
            signed = _until_answered(process, client, "/sign-in") - began
        start_cpu = cpu_of(process.pid)
        time.sleep(settling)
        memory = psutil.Process(process.pid).memory_info().rss / 2**20
        cpu, since = cpu_of(process.pid), time.perf_counter()
        time.sleep(seconds)
        share = 100 * (cpu_of(process.pid) - cpu) / (time.perf_counter() - since)
    finally:
        process.terminate()
        process.wait()
    return _Found(healthy, signed, start_cpu, memory, share)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _until_answered(process: subprocess.Popen[bytes], client: httpx.Client, path: str) -> float:
    deadline = time.perf_counter() + _LONGEST
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            reply = client.get(path)
        except httpx.TransportError:
            time.sleep(_LOOK)
            continue
        if reply.status_code != 200:
            raise RuntimeError(f"GET {path} was answered with {reply.status_code}.")
        return time.perf_counter()
    raise RuntimeError(f"`ringfence serve` did not answer GET {path} within {_LONGEST:g} s; see above.")
