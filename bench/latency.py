"""From an alert that can be seen in the API to the isolate request: Ringfence's own share of the time that an attacker has."""

import asyncio
import math
import statistics
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from bench.measured import Measured, Talk
from bench.recorder import Exchange, Recorder, waiting
from bench.report import Column, Result
from bench.stage import UNLIMITED, Ground, Place, SimulatorProcess, install, machine_name
from ringfence import clock
from ringfence.app import App
from ringfence.simulator.control_client import SimulatorControl
from ringfence.worker import Worker

NAME: Final = "latency"
_PLENTY: Final = 1_000_000
_LOOK: Final = 0.02
_LONGEST: Final = 120.0
_INTERVAL: Final = 0.25
# A burst has to be raised between two polls, so that one page brings it; seconds for each of its alerts.
_RAISING: Final = 0.04
_HOW: Final = """A worker in a fresh process runs the shipped playbook *Contain ransomware* (query, get the machine, condition,
contain through policy with target proof and a look before acting) against the simulator on a loopback socket. Both moments are
taken from the simulator's own journal: **from** the arrival of the poll that is the first to be answered with the alert **to**
the arrival of the isolate request for its machine. So the poll interval is left out, and everything else is in: the simulator's
answers (the page, the machine twice, its action history), our decisions, and every row that is committed before anything is
asked of Defender. *Own* is the same span without the time in which at least one reply was awaited; in a burst, where many
requests are under way at once, it says little and is left out. *Alone*: one alert at a time, each on another machine, the next
one raised once the isolate request has arrived; what the containments before it still have to do (confirm, comment) goes on
meanwhile. *Burst*: so many alerts on as many machines within one poll; each alert is a sample of its own, and CPU is
counted from the first alert raised to the last isolate request. The worker has handled one alert before anything is counted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One alert: seconds from poll to isolate request, and those of them in which no reply was awaited."""

    span: float
    own: float


@dataclass(frozen=True, slots=True)
class _Found:
    """The samples of one worker, and the CPU seconds of it and of the simulator while they were taken."""

    samples: list[Sample]
    cpu: float
    simulator_cpu: float


def run(ground: Ground, *, alone: int, burst: int, repeats: int) -> Result:
    """Measure one alert at a time, and bursts, on each kind of database."""
    rows: list[dict[str, Any]] = []
    for kind in ground.kinds:
        for case, alerts, interval in (("alone", alone, _INTERVAL), ("burst", burst, _INTERVAL + burst * _RAISING)):
            found = [_once(ground.place(kind), case, alerts, interval) for _ in range(repeats)]
            rows.append({"database": kind, "case": case, "alerts": alerts} | _figures(found, case, alerts))
    columns = [
        Column("database", "database"),
        Column("case", "case"),
        Column("alerts", "alerts"),
        *(Column(f"p{each}_ms", f"p{each}, ms", 0) for each in (50, 95, 99)),
        *(Column(f"own_p{each}_ms", f"own p{each}, ms", 0) for each in (50, 95, 99)),
        Column("cpu_ms", "our CPU-ms per alert", 1),
        Column("simulator_cpu_ms", "simulator's CPU-ms per alert", 1),
    ]
    return Result(NAME, "From a visible alert to the isolate request", _HOW, columns, rows)


def percentile(values: list[float], percent: float) -> float:
    """Return the smallest of the values that at least so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _figures(found: list[_Found], case: str, alerts: int) -> dict[str, float | None]:
    spans = [1e3 * sample.span for each in found for sample in each.samples]
    own = [1e3 * sample.own for each in found for sample in each.samples]
    figures: dict[str, float | None] = {}
    for each in (50, 95, 99):
        figures[f"p{each}_ms"] = round(percentile(spans, each), 2)
    for each in (50, 95, 99):
        figures[f"own_p{each}_ms"] = round(percentile(own, each), 2) if case == "alone" else None
    for key, cpu in (
        ("cpu_ms", [each.cpu for each in found]),
        ("simulator_cpu_ms", [each.simulator_cpu for each in found]),
    ):
        # Alone, most of it is what the containments before still have to do, and looking for the next alert.
        figures[key] = round(1e3 * statistics.median(cpu) / alerts, 2) if case == "burst" else None
    return figures


def _once(place: Place, case: str, alerts: int, interval: float) -> _Found:
    playbook = files("ringfence.playbooks").joinpath("starters", "contain-ransomware.yaml").read_text(encoding="utf-8")
    with SimulatorProcess(machines=alerts + 1) as simulator:
        install(place, simulator=simulator, playbook=playbook, max_per_hour=_PLENTY)
        with Measured(NAME, place, interval=interval) as worker:
            worker.hear()
            attack = asyncio.run(_attack(simulator, worker, [1] * alerts if case == "alone" else [alerts]))
            worker.go_on()
            exchanges = [Exchange(**each) for each in worker.hear()["exchanges"]]
    samples = [Sample(end - begin, end - begin - waiting(exchanges, begin, end)) for begin, end in attack.spans]
    if len(samples) != alerts:
        raise RuntimeError(f"{len(samples)} machines were isolated instead of {alerts}.")
    return _Found(samples, attack.cpu, attack.simulator_cpu)


@dataclass(frozen=True, slots=True)
class _Attack:
    spans: list[tuple[float, float]]
    cpu: float
    simulator_cpu: float


async def _attack(simulator: SimulatorProcess, worker: Measured, waves: list[int]) -> _Attack:
    """Raise alerts in waves, each after the one before was answered; returns when each was polled and isolated."""
    async with SimulatorControl(simulator.origin) as control:
        await _wave(control, 0, 1)
        cpu, simulator_cpu = worker.cpu, simulator.cpu
        spans, first = [], 1
        for size in waves:
            spans += await _wave(control, first, size)
            first += size
        return _Attack(spans, worker.cpu - cpu, simulator.cpu - simulator_cpu)


async def _wave(control: SimulatorControl, first: int, size: int) -> list[tuple[float, float]]:
    last = await _after_a_poll(control)
    visible: dict[str, float] = {}
    for number in range(first, first + size):
        name = machine_name(number)
        await control.inject_alerts(name, severity="High", category="Ransomware", title="Ransomware was seen")
        visible[name] = clock.timestamp()
    isolated: list[dict[str, Any]] = []
    deadline = clock.timestamp() + _LONGEST
    while len(isolated) < size:
        if clock.timestamp() > deadline:
            raise RuntimeError(f"Of {size} machines {len(isolated)} were isolated within {_LONGEST:g} s.")
        await asyncio.sleep(_LOOK)
        isolated = await control.journal(operation="isolate_machine", after=last)
    polls = [_moment(each) for each in await control.journal(operation="list_alerts", after=last)]
    return [
        (min(poll for poll in polls if poll >= visible[name]), end) for name, end in await _hosts(control, isolated)
    ]


async def _after_a_poll(control: SimulatorControl) -> int:
    """Wait for the next poll to arrive and return its number in the journal."""
    known = (await control.journal(operation="list_alerts"))[-1:]
    before = known[0]["sequence"] if known else 0
    while True:
        polls = await control.journal(operation="list_alerts", after=before)
        if polls:
            return int(polls[-1]["sequence"])
        await asyncio.sleep(_LOOK)


async def _hosts(control: SimulatorControl, isolated: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Return the name of each isolated machine and when its isolate request came."""
    state = await control.state()
    names = {machine["id"]: machine["name"] for tenant in state["tenants"] for machine in tenant["machines"]}
    return [(names[each["machine_id"]], _moment(each)) for each in isolated]


def _moment(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["time"]).timestamp()


def work(talk: Talk, place: Place, *, interval: float) -> dict[str, Any]:
    """Be a worker until told to end, in the measured process; returns when each request was under way."""
    recorder = Recorder()
    app = App.open(place.settings(poll_interval=interval), transport=recorder, limits=UNLIMITED)
    try:
        asyncio.run(_serve(app, talk))
        exchanges = [{"path": each.path, "begin": each.begin, "end": each.end} for each in recorder.exchanges]
        return {"exchanges": exchanges}
    finally:
        app.close()


async def _serve(app: App, talk: Talk) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(Worker(app).run(stop, ready.set))
    waiting_for_it = asyncio.create_task(ready.wait())
    await asyncio.wait([working, waiting_for_it], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        talk.say({"ready": True})
        await asyncio.to_thread(talk.wait)
        stop.set()
    await working
