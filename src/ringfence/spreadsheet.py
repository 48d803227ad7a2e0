"""CSV for spreadsheets, with no cell that one of them would carry out: what we write may come from an attacker.

A cell that begins like a formula is written behind an apostrophe, and loses it when it is read back by `plain`.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ringfence.clock import iso

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
TYPE: Final = "text/csv; charset=utf-8"


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    guarded = cell.startswith("'") and cell[1:].lstrip(" '").startswith(_DANGEROUS)
    return f"'{cell}" if guarded or cell.lstrip(" ").startswith(_DANGEROUS) else cell


def plain(cell: str) -> str:
    """Return what a cell was before `safe`."""
    inner = cell[1:]
    return inner if cell.startswith("'") and safe(inner) == cell else cell


def line(cells: Iterable[object]) -> str:
    """Return one line, with its end: moments in ISO 8601, None as an empty cell, numbers as they are, all else as text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(each) for each in cells])
    return out.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return iso(value)
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case _:
            return safe(str(value))
