"""An audit log as a file, and the check of such a file.

As JSON Lines, one for each entry; where nothing is left out, they end in their signed head, so that the file proves itself. As
CSV, for a spreadsheet, with no cell that it would take for a formula.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence import spreadsheet
from ringfence.audit import log
from ringfence.audit.canonical import canonical
from ringfence.audit.events import Event
from ringfence.audit.heads import KIND, SignedHead, Signer
from ringfence.audit.log import EVERYTHING, Entry, Head, Wanted
from ringfence.audit.verification import Report, check
from ringfence.errors import Invalid
from ringfence.storage import Database, Transaction

_FIELDS: Final = frozenset(Entry.__dataclass_fields__)
_COLUMNS: Final = tuple(Entry.__dataclass_fields__)


class Form(StrEnum):
    """How a file is written."""

    JSONL = "jsonl"
    CSV = "csv"


def begin(tx: Transaction, organization_id: str, wanted: Wanted, form: Form) -> Head:
    """Write down that the log is exported, first, so that the file holds it; return where the file begins to end."""
    said = {
        "form": form,
        **{name: value for name in Wanted.__slots__ if (value := getattr(wanted, name)) not in (None, "")},
    }
    log.write(tx, Event.AUDIT_EXPORTED, organization_id, organization_id, details=said)
    tx.do_last()
    head = log.head(tx, organization_id)
    assert head is not None
    return head


def lines(
    tx: Transaction, head: Head, signer: Signer, wanted: Wanted = EVERYTHING, form: Form = Form.JSONL
) -> Iterator[str]:
    """Yield the entries up to a head that are wanted, as lines with their ends, and the head, signed, if all are."""
    yield from _first(form)
    for entry in log.entries(tx, head.organization_id, upto=head.number, wanted=wanted):
        yield _line(entry, form)
    yield from _last(head, signer, wanted, form)


async def stream(
    database: Database, head: Head, signer: Signer, wanted: Wanted = EVERYTHING, form: Form = Form.JSONL
) -> AsyncIterator[str]:
    """Yield the same a thousand entries at a time, off the event loop."""
    for each in _first(form):
        yield each
    above = 0
    while True:
        piece = await database.read(
            lambda tx: log.some(tx, head.organization_id, above=above, upto=head.number, wanted=wanted)  # noqa: B023
        )
        if not piece:
            break
        yield "".join(_line(entry, form) for entry in piece)
        above = piece[-1].number
    for each in _last(head, signer, wanted, form):
        yield each


def _first(form: Form) -> Iterator[str]:
    if form is Form.CSV:
        yield spreadsheet.line(_COLUMNS)


def _line(entry: Entry, form: Form) -> str:
    document = entry.document()
    if form is Form.CSV:
        return spreadsheet.line(document[name] for name in _COLUMNS)
    return f"{canonical(document)}\n"


def _last(head: Head, signer: Signer, wanted: Wanted, form: Form) -> Iterator[str]:
    # Entries that are left out look like entries that are missing: only the whole log proves itself.
    if form is Form.JSONL and wanted.everything:
        yield f"{signer.sign(head).line()}\n"


def verify_file(text: Iterable[str], public: Ed25519PublicKey | None, older: Sequence[Ed25519PublicKey] = ()) -> Report:
    """Check an exported file by itself; Invalid if it is none."""
    entries: list[Entry] = []
    heads: list[SignedHead] = []
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        document = _object(line, number)
        if document.get("kind") == KIND:
            heads.append(SignedHead.of(line))
        else:
            entries.append(_entry(document, number))
    if not heads:
        raise Invalid(
            "The file ends without a signed head, so entries at its end may be missing.",
            advice="Give the whole file as `ringfence audit export` wrote it.",
        )
    last = heads[-1]
    end = Head(last.organization_id, last.number, last.hash)
    return check(last.organization_id, entries, end, heads, public, older)


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _unlike(number)
    return document


def _entry(document: dict[str, Any], number: int) -> Entry:
    texts = all(isinstance(document.get(name), str) for name in _FIELDS - {"number"})
    if document.keys() != _FIELDS or not texts or not isinstance(document["number"], int):
        raise _unlike(number)
    try:
        at = datetime.fromisoformat(document["at"])
    except ValueError:
        raise _unlike(number) from None
    return Entry(**{**document, "at": at})


def _unlike(number: int) -> Invalid:
    return Invalid(
        f"Line {number} of the file is no entry of an audit log.", advice="Give the file as Ringfence wrote it."
    )
