"""`python -m bench`: measure, print tables or one JSON object, and, if wanted, write docs/benchmarks.md."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import (
    adaptive,
    backtest,
    budget,
    defender,
    fanout,
    idle,
    ingest,
    latency,
    machine,
    pages,
    polling,
    report,
    runs,
    waiting,
)
from bench.report import Result
from bench.stage import Ground, Postgres
from ringfence import logs

NAMES: Final = (
    latency.NAME,
    runs.NAME,
    waiting.NAME,
    fanout.NAME,
    ingest.NAME,
    backtest.NAME,
    idle.NAME,
    budget.NAME,
    defender.NAME,
    polling.NAME,
    adaptive.NAME,
    pages.NAME,
)
PAGE: Final = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def options() -> argparse.ArgumentParser:
    """Return what may be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure what Ringfence costs on this machine."
    )
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; by default all")
    parser.add_argument("--alone", type=_positive, default=30, help="latency: alerts raised one at a time")
    parser.add_argument("--burst", type=_positive, default=100, help="latency: alerts raised at once")
    parser.add_argument("--runs", type=_positive, default=500, help="runs: how many")
    parser.add_argument("--waiting", type=_positive, default=10_000, help="waiting: how many runs wait")
    parser.add_argument("--items", type=_positive, default=1_000, help="fanout: over how many items the loop goes")
    parser.add_argument("--alerts", type=_positive, default=10_000, help="ingest, backtest and defender: how many")
    parser.add_argument("--seconds", type=float, default=20.0, help="idle and waiting: how long to watch")
    parser.add_argument("--calls", type=_positive, default=2000, help="budget and defender: how many")
    parser.add_argument("--services", type=_positive, default=1000, help="polling: how many")
    parser.add_argument("--interval", type=float, default=60.0, help="polling: seconds between two polls of a service")
    parser.add_argument("--rounds", type=_positive, default=2, help="polling: for how many intervals to watch")
    parser.add_argument(
        "--hours", type=float, default=6.0, help="adaptive: hours of each kind of day, in simulated time"
    )
    parser.add_argument("--stored", type=_positive, default=1_000_000, help="pages: how many alerts are stored")
    parser.add_argument("--times", type=_positive, default=20, help="pages: how often each is asked for")
    parser.add_argument("--only", action="append", default=[], help="pages: only those with this text in their name")
    parser.add_argument("--keep", type=Path, help="pages: the folder in which what is filled stays for the next time")
    parser.add_argument("--repeats", type=_positive, default=3, help="how often each is measured; medians are shown")
    parser.add_argument("--sqlite-only", action="store_true", help="leave PostgreSQL out")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--write", action="store_true", help="write what was measured into docs/benchmarks.md")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def plan(asked: argparse.Namespace) -> dict[str, Callable[[Ground], Result]]:
    """Return what is to be measured, in order."""
    every: dict[str, Callable[[Ground], Result]] = {
        latency.NAME: lambda on: latency.run(on, alone=asked.alone, burst=asked.burst, repeats=asked.repeats),
        runs.NAME: lambda on: runs.run(on, count=asked.runs, repeats=asked.repeats),
        waiting.NAME: lambda on: waiting.run(on, count=asked.waiting, seconds=asked.seconds, repeats=asked.repeats),
        fanout.NAME: lambda on: fanout.run(on, items=asked.items, repeats=asked.repeats),
        ingest.NAME: lambda on: ingest.run(on, alerts=asked.alerts, repeats=asked.repeats),
        backtest.NAME: lambda on: backtest.run(on, alerts=asked.alerts, repeats=asked.repeats),
        idle.NAME: lambda on: idle.run(on, seconds=asked.seconds, repeats=asked.repeats),
        budget.NAME: lambda on: budget.run(on, calls=asked.calls, repeats=asked.repeats),
        defender.NAME: lambda on: defender.run(on, calls=asked.calls, alerts=asked.alerts, repeats=asked.repeats),
        polling.NAME: lambda on: polling.run(on, services=asked.services, interval=asked.interval, rounds=asked.rounds),
        adaptive.NAME: lambda on: adaptive.run(on, hours=asked.hours),
        pages.NAME: lambda on: pages.run(on, alerts=asked.stored, times=asked.times, only=asked.only, kept=asked.keep),
    }
    return {name: every[name] for name in NAMES if not asked.benchmarks or name in asked.benchmarks}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what was asked for."""
    parser = options()
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.benchmarks) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    wanted = plan(asked)
    if asked.write and (asked.sqlite_only or asked.only):
        parser.error("--write needs every page and database")
    logs.configure("warning")
    # The tables are for people; where stdout is for JSON they tell on stderr how far it is.
    console = Console(stderr=asked.json, width=None if sys.stdout.isatty() else 160)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringfence-bench-")))
        postgres = None if asked.sqlite_only else stack.enter_context(Postgres(folder / "postgresql"))
        here = machine.describe(postgresql=postgres.version if postgres else "not measured")
        console.print(here.sentence, highlight=False)
        console.print()
        ground = Ground(folder, postgres)
        results = []
        for measure in wanted.values():
            results.append(measure(ground))
            report.show(results[-1], console)
    if asked.json:
        sys.stdout.write(json.dumps(report.document(here, results)) + "\n")
    if asked.write:
        PAGE.parent.mkdir(exist_ok=True)
        before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        page = report.markdown(here, results, repeats=asked.repeats, before=before, order=NAMES)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
