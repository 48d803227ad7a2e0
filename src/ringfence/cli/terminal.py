"""Tables and facts for people: coloured and fitted to a terminal, whole and plain where the output goes elsewhere.

Whatever is shown goes through `visible`, and nothing is read as markup.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ringfence.cli.visible import visible

_STYLES: Final = {
    "green": ("healthy", "succeeded", "contained", "active", "released", "ok", "success", "joined", "allowed"),
    "red": ("failed", "denied", "stopped", "timed_out", "release_failed", "High", "error", "FAILED"),
    "yellow": (
        "degraded",
        "warn",
        "waiting",
        "ask",
        "brake",
        "pending",
        "releasing",
        "submitting",
        "paused",
        "Medium",
        "warning",
        "cancelled",
        "partly_failed",
        "withdrawn",
    ),
    "cyan": ("running", "started", "requested", "approved", "InProgress", "New"),
    "dim": ("skipped", "not_needed", "disabled", "Informational", "Resolved", "debug"),
}
_STYLE_OF: Final = {word: style for style, words in _STYLES.items() for word in words}
_UNBOUNDED: Final = 1_000_000
_NARROWEST: Final = 12
_READABLE: Final = 32
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `optional` ones are left out of a narrow terminal, `flexible` ones are cut there; others never are."""

    title: str
    optional: bool = False
    flexible: bool = False
    right: bool = False


def styled(word: str) -> Text:
    """Return a state or severity in its colour; the word itself says everything."""
    return Text(visible(word), style=_STYLE_OF.get(word, ""))


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _console() -> Console:
    width = None if _on_terminal() else _UNBOUNDED
    return Console(width=width, markup=False, highlight=False, emoji=False)


def say(text: str | Text = "") -> None:
    """Print a sentence."""
    _console().print(text if isinstance(text, Text) else Text(visible(text)), soft_wrap=True)


def hint(text: str) -> None:
    """Print a sentence that is not part of the result: to stderr."""
    Console(stderr=True, markup=False, highlight=False, emoji=False).print(
        Text(visible(text), style="dim"), soft_wrap=True
    )


def heading(text: str) -> None:
    """Print a title above what follows."""
    console = _console()
    console.print()
    console.print(Text(visible(text), style="bold"), soft_wrap=True)


def facts(pairs: Iterable[tuple[str, str | Text]]) -> None:
    """Print names and values, one a line; empty values are left out."""
    grid = Table.grid(padding=(0, _GAP))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        shown = value if isinstance(value, Text) else Text(visible(value))
        if shown.plain:
            grid.add_row(Text(name, style="dim"), shown)
    _put(_console(), grid)


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print rows under their columns: all of everything, but in a terminal as much as its width shows."""
    cells = [[cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row] for row in rows]
    console = _console()
    shown = _fit(columns, cells, console.width)
    made = Table(
        box=box.SIMPLE_HEAD if _on_terminal() else None,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP, 0, 0) if not _on_terminal() else (0, 1),
        header_style="bold",
    )
    for index, width in shown:
        column = columns[index]
        made.add_column(
            column.title,
            width=width,
            no_wrap=True,
            overflow="ellipsis",
            justify="right" if column.right else "left",
        )
    for row in cells:
        made.add_row(*(row[index] for index, _ in shown))
    _put(console, made)


def _put(console: Console, made: Table) -> None:
    if _on_terminal():
        console.print(made)
        return
    with console.capture() as captured:
        console.print(made)
    # Columns are padded to their width, which is noise in a file.
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _fit(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> list[tuple[int, int]]:
    """Choose which columns are shown, and how wide each is."""
    natural = [
        max([cell_len(column.title), *(cell_len(row[index].plain) for row in rows)])
        for index, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    wanted = [min(size, _READABLE) if columns[index].flexible else size for index, size in enumerate(natural)]
    for index in reversed(range(len(columns))):
        if columns[index].optional and _total(wanted, shown) > width:
            shown.remove(index)
    widths = dict(zip(shown, (natural[index] for index in shown), strict=True))
    for index in shown:
        excess = sum(widths.values()) + (_GAP + 1) * len(shown) - width
        if columns[index].flexible and excess > 0:
            widths[index] = max(min(natural[index], _NARROWEST), widths[index] - excess)
    return list(widths.items())


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[index] + _GAP + 1 for index in shown)
