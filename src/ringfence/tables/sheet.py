"""Tables as CSV: what a spreadsheet shows and gives back, without a cell that it would carry out. Pure.

A cell that begins like a formula loses the apostrophe that keeps it from being one when it is read (`spreadsheet`).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from ringfence.errors import Invalid
from ringfence.spreadsheet import line, plain
from ringfence.tables.model import LONGEST_NOTE, MOST_FIELDS, Entry, NewEntry

_OWN: Final = ("value", "note", "expires_at")
MOST_BYTES: Final = 16 * 1024 * 1024


def write(entries: Iterable[Entry]) -> str:
    """Return entries as CSV with the columns value, note, expires_at and one for each field."""
    kept = list(entries)
    fields = list(dict.fromkeys(name for each in kept for name in each.data))
    rows = ([each.value, each.note, each.expires_at, *(each.data.get(name, "") for name in fields)] for each in kept)
    return line([*_OWN, *fields]) + "".join(line(row) for row in rows)


def read(content: bytes) -> list[NewEntry]:
    """Read CSV in UTF-8, separated by commas or semicolons; Invalid, with the line, for what is none.

    The first line names the columns, among them `value`. A file with one column and no such line is a list of values.
    """
    if len(content) > MOST_BYTES:
        raise Invalid(f"The file is larger than {MOST_BYTES // 1_048_576} MiB.", advice="Import it in parts.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("The file is not UTF-8.", advice="Save it as CSV in UTF-8.") from None
    first = text.split("\n", 1)[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    rows = _rows(text, separator)
    try:
        _, head = next(rows)
    except StopIteration:
        return []
    names = [plain(each).strip() for each in head]
    if "value" not in [name.casefold() for name in names]:
        if len(names) == 1:
            return [NewEntry(names[0]), *(NewEntry(plain(row[0]).strip()) for _, row in rows if row[0].strip())]
        raise Invalid("The first line names no column `value`.", advice="Begin it with value,note,expires_at.")
    return [_entry(number, names, row) for number, row in rows]


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} is not CSV ({error}).", advice="Save the file as CSV again.") from None


def _entry(number: int, names: Sequence[str], row: Sequence[str]) -> NewEntry:
    if len(row) > len(names):
        raise Invalid(f"Line {number} has more cells than the first line names.", advice="Put quotes around commas.")
    cells = {name: plain(cell).strip() for name, cell in zip(names, row, strict=False) if name}
    own = {name.casefold(): text for name, text in cells.items() if name.casefold() in _OWN}
    data = {name: text for name, text in cells.items() if name.casefold() not in _OWN and text}
    if len(data) > MOST_FIELDS:
        raise Invalid(f"There are more than {MOST_FIELDS} columns.", advice="Leave some out.")
    return NewEntry(own.get("value", ""), own.get("note", "")[:LONGEST_NOTE], _moment(number, own), data)


def _moment(number: int, own: dict[str, str]) -> datetime | None:
    text = own.get("expires_at", "")
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            f"Line {number}: {text[:40]!r} is not a moment.", advice="Write expires_at as 2026-12-31 or leave it empty."
        ) from None
