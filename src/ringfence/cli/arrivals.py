"""What came to a mailbox, a webhook or a service of a package, and what it meant for each playbook: one table for all."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ringfence.cli.terminal import Column, hint, styled, table

if TYPE_CHECKING:
    from ringfence.listeners.starting import Outcome

Came = TypeVar("Came")


def arrivals(columns: Sequence[Column], found: Sequence[Came], rows_of: Callable[[Came], list[list[Any]]]) -> None:
    """Print what came, its own columns first, or that nothing did."""
    if not found:
        hint("Nothing came yet.")
        return
    meant = [Column("playbook"), Column("outcome"), Column("run", optional=True), Column("why", flexible=True)]
    table([*columns, *meant], [row for each in found for row in rows_of(each)])


def rows(came: Sequence[Any], outcomes: Iterable["Outcome"], *, nobody: str) -> list[list[Any]]:
    """Return a row for each playbook that listened; or one that says, as `nobody`, that none did."""
    found = [row(came, each.playbook, started=each.started, run=each.run_id, why=each.reason) for each in outcomes]
    return found or [row(came, "-", started=False, why=nobody)]


def row(came: Sequence[Any], playbook: str, *, started: bool, run: str | None = None, why: str = "") -> list[Any]:
    """Return one row."""
    return [*came, playbook, styled("started" if started else "not started"), run or "-", why]
