"""Results as they are shown: tables in a terminal, one JSON object, and docs/benchmarks.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.machine import Machine, load
from ringfence import clock

Value = str | float | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in the rows, its heading, and how many decimals its numbers are shown with."""

    key: str
    heading: str
    decimals: int = 1


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: at most, or at least, `limit`."""

    what: str
    value: float
    limit: float
    unit: str
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    @property
    def sentence(self) -> str:
        """It in words, with the verdict."""
        bound = "at most" if self.at_most else "at least"
        verdict = "met" if self.met else "MISSED"
        return f"{self.what}: {bound} {_number(self.limit, 1)} {self.unit}; it is {_number(self.value, 1)}: {verdict}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found: rows of plain numbers, and how they were taken."""

    name: str
    title: str
    how: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Value]]
    aims: Sequence[Aim] = ()

    @property
    def document(self) -> dict[str, object]:
        """It as JSON."""
        aims = [
            {
                "what": each.what,
                "value": round(each.value, 3),
                "limit": each.limit,
                "unit": each.unit,
                "bound": "at_most" if each.at_most else "at_least",
                "met": each.met,
            }
            for each in self.aims
        ]
        return {"name": self.name, "title": self.title, "rows": [dict(row) for row in self.rows], "aims": aims}


def _number(value: float, decimals: int) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.{decimals}f}"


def _cell(value: Value, column: Column) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else _number(value, column.decimals)


def show(result: Result, console: Console) -> None:
    """Print one result as a table."""
    table = Table(title=result.title, title_justify="left", title_style="bold")
    for position, column in enumerate(result.columns):
        table.add_column(column.heading, justify="left" if position == 0 else "right", overflow="fold")
    for row in result.rows:
        table.add_row(*(_cell(row[column.key], column) for column in result.columns))
    console.print(table)
    for aim in result.aims:
        console.print(aim.sentence, style="green" if aim.met else "bold red", highlight=False)
    console.print()


def document(machine: Machine, results: Sequence[Result]) -> dict[str, object]:
    """Return everything as one JSON object."""
    return {
        "at": clock.iso(clock.now()),
        "machine": machine.document,
        "benchmarks": [result.document for result in results],
    }


_HEAD: Final = """# What it costs

Written by `python -m bench --write`, or `python -m bench NAME --write` for some of it; `make bench` measures anew and prints the
same tables. Each part says when and where it was measured. Where the load average is above the number of cores, other work took
its part, and wall-clock figures say little.

**How to read it.** CPU time is user and system time of the measured process alone; the pretend Microsoft and the database
server are processes of their own, and what they used is said apart. Rates and latencies are wall-clock times on the machine
that is named, on which the simulator and PostgreSQL competed for the same cores. A percentile is taken over all samples.
PostgreSQL and SQLite run with the settings that Ringfence gives them, with nothing made less durable for the measurement.
"""
_MARK: Final = re.compile(r"^<!-- (\w+) -->$", re.MULTILINE)


def markdown(machine: Machine, results: Sequence[Result], *, repeats: int, before: str, order: Sequence[str]) -> str:
    """Return docs/benchmarks.md: of the page as it was `before`, the parts that were not measured stay; all in an `order`."""
    # The page as marks and what follows each of them.
    _, *pieces = _MARK.split(before)
    parts = {name: text.strip("\n") for name, text in zip(pieces[::2], pieces[1::2], strict=True)}
    parts |= {each.name: _part(each, machine, repeats) for each in results}
    named = [f"<!-- {name} -->\n{parts[name]}\n" for name in order if name in parts]
    return "\n".join([_HEAD, *named])


def _part(result: Result, machine: Machine, repeats: int) -> str:
    repeated = f"the median of {repeats} measurements" if repeats > 1 else "from a single measurement"
    measured = (
        f"*Measured on {clock.now():%Y-%m-%d}, each figure {repeated}. {machine.sentence} When it ended: {load():.1f}.*"
    )
    lines = [f"## {result.title}", "", result.how, "", measured, "", *_lines(result)]
    if result.aims:
        lines += ["", *(f"- {aim.sentence}." for aim in result.aims)]
    return "\n".join(lines)


def _lines(result: Result) -> list[str]:
    head = " | ".join(column.heading for column in result.columns)
    rule = " | ".join("---" if position == 0 else "---:" for position in range(len(result.columns)))
    rows = [" | ".join(_cell(row[column.key], column) for column in result.columns) for row in result.rows]
    return [f"| {line} |" for line in (head, rule, *rows)]
