"""An audit log as a file: one line of JSON for each entry, and the signed head that they end in; and the check of such a file."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.audit import log
from ringfence.audit.canonical import canonical
from ringfence.audit.heads import KIND, SignedHead, Signer
from ringfence.audit.log import Entry, Head
from ringfence.audit.verification import Report, check
from ringfence.errors import Invalid
from ringfence.storage import Transaction

_FIELDS: Final = frozenset(Entry.__dataclass_fields__)


def lines(tx: Transaction, organization_id: str, signer: Signer) -> Iterator[str]:
    """Yield every entry of an organization as canonical JSON, then its head as it is at this moment, signed."""
    head = log.head(tx, organization_id)
    if head is None:
        return
    for entry in log.entries(tx, organization_id, upto=head.number):
        yield canonical(entry.document())
    yield signer.sign(head).line()


def verify_file(text: Iterable[str], public: Ed25519PublicKey | None) -> Report:
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
    return check(last.organization_id, entries, end, heads, public)


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
