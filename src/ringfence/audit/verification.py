"""Check a chain: every entry against its hash, against the one before it, against its end, and against signed heads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.audit import log
from ringfence.audit.heads import SignedHead, is_genuine, key_id
from ringfence.audit.log import GENESIS, Entry, Head
from ringfence.storage import Transaction
from ringfence.storage.tables import audit_entries

_PIECE: Final = 1_000
_MOST: Final = 200


class Fault(StrEnum):
    """What is wrong with a chain."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    UNLINKED = "unlinked"
    UNREADABLE = "unreadable"
    REWRITTEN = "rewritten"
    HEAD = "head"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with the number of the entry that it is about, where it is about one."""

    fault: Fault
    number: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found; of more than 200 problems the first are kept, and `found` counts all."""

    organization_id: str
    entries: int
    head: Head | None
    signed_heads: int
    problems: tuple[Problem, ...]
    found: int

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that cannot be read as an entry."""

    number: Any


def verify(
    tx: Transaction,
    organization_id: str,
    signed: Sequence[SignedHead] = (),
    public: Ed25519PublicKey | None = None,
    older: Sequence[Ed25519PublicKey] = (),
) -> Report:
    """Check an organization's chain as it is stored, and against heads that `public`, or an `older` key, has signed."""
    return check(organization_id, _rows(tx, organization_id), log.head(tx, organization_id), signed, public, older)


def check(
    organization_id: str,
    rows: Iterable[Entry | Unreadable],
    head: Head | None,
    signed: Sequence[SignedHead] = (),
    public: Ed25519PublicKey | None = None,
    older: Sequence[Ed25519PublicKey] = (),
) -> Report:
    """Check entries, in the order of their numbers, against each other, the head they should end in, and signed heads."""
    problems: list[Problem] = []
    found = count = last = 0
    previous: str | None = GENESIS
    wanted = {each.number for each in signed}
    seen: dict[int, str] = {}
    last_hash = GENESIS

    def tell(fault: Fault, number: int | None, sentence: str) -> None:
        nonlocal found
        found += 1
        if len(problems) < _MOST:
            problems.append(Problem(fault, number, sentence))

    for row in rows:
        count += 1
        if isinstance(row, Unreadable):
            whole = isinstance(row.number, int)
            named = f"Entry {row.number}" if whole else "An entry without a number"
            tell(Fault.UNREADABLE, row.number if whole else None, f"{named} cannot be read: it was changed.")
            if whole and row.number > last:
                last, previous = row.number, None
            continue
        if row.number < 1:
            tell(Fault.ADDED, row.number, f"Entry {row.number} was put in before the first.")
            continue
        if row.number > last + 1:
            gone = f"Entry {last + 1} is" if row.number == last + 2 else f"Entries {last + 1} to {row.number - 1} are"
            tell(Fault.MISSING, last + 1, f"{gone} missing.")
            previous = None
        if not _is_its_hash(row, organization_id):
            tell(Fault.CHANGED, row.number, f"Entry {row.number} was changed: its hash is not that of what it says.")
        if previous is not None and row.previous != previous:
            tell(
                Fault.UNLINKED,
                row.number,
                f"Entry {row.number} does not follow the one before it: one of the two was changed, moved or put in.",
            )
        last, previous, last_hash = row.number, row.hash, row.hash
        if row.number in wanted:
            seen[row.number] = row.hash
    for problem in _end(head, last, last_hash, count):
        tell(*problem)
    known = {key_id(each): each for each in (public, *older) if each is not None}
    for problem in _against(signed, seen, known):
        tell(*problem)
    return Report(organization_id, count, head, len(signed), tuple(problems), found)


_Told = tuple[Fault, int | None, str]


def _is_its_hash(row: Entry, organization_id: str) -> bool:
    try:
        return row.organization_id == organization_id and row.hash == log.hash_of(row)
    except (TypeError, ValueError, AttributeError):
        return False


def _end(head: Head | None, last: int, last_hash: str, count: int) -> Iterator[_Told]:
    if head is None:
        if count:
            yield Fault.HEAD, None, "The record of the newest entry is missing, so entries at the end may be too."
        return
    if head.number > last:
        gone = f"Entry {head.number} is" if head.number == last + 1 else f"Entries {last + 1} to {head.number} are"
        yield Fault.MISSING, last + 1, f"{gone} missing at the end."
    elif head.number < last:
        added = f"Entry {last} was" if last == head.number + 1 else f"Entries {head.number + 1} to {last} were"
        yield Fault.ADDED, head.number + 1, f"{added} put in at the end, or the record of the newest entry was changed."
    elif head.hash != last_hash:
        yield Fault.HEAD, last, f"Entry {last} is not the one that was written last, or the record of it was changed."


def _against(signed: Sequence[SignedHead], seen: dict[int, str], keys: dict[str, Ed25519PublicKey]) -> Iterator[_Told]:
    """Compare a chain with what was signed; the last head that still fits says from where on it was rewritten."""
    fits = 0
    for each in sorted(signed, key=lambda head: (head.number, head.signed_at)):
        public = keys.get(each.key)
        if public is None or not is_genuine(each, public):
            why = "its signature is wrong" if public else f"it was signed with another key ({each.key})"
            yield Fault.SIGNATURE, each.number, f"The head of entry {each.number} proves nothing: {why}."
        elif each.number not in seen:
            yield (
                Fault.MISSING,
                each.number,
                f"Entry {each.number} is missing, and was the newest when it was signed on {each.signed_at}: "
                f"the chain was cut off {_after(fits)}.",
            )
        elif seen[each.number] != each.hash:
            yield (
                Fault.REWRITTEN,
                each.number,
                f"Entry {each.number} is not the one that was signed on {each.signed_at}: "
                f"the chain was rewritten {_after(fits)}.",
            )
        else:
            fits = each.number


def _after(number: int) -> str:
    return f"somewhere after entry {number}" if number else "somewhere from its beginning on"


def _rows(tx: Transaction, organization_id: str) -> Iterator[Entry | Unreadable]:
    columns = audit_entries.c
    mine = sa.select(columns.number).where(columns.organization_id == organization_id).order_by(columns.number)
    numbers = [row["number"] for row in tx.all(mine)]
    whole = [number for number in numbers if isinstance(number, int)]
    # SQLite keeps whatever is put into a column.
    yield from (Unreadable(number) for number in numbers if not isinstance(number, int))
    for start in range(0, len(whole), _PIECE):
        piece = whole[start : start + _PIECE]
        try:
            yield from _between(tx, organization_id, piece[0], piece[-1])
        except (TypeError, ValueError, LookupError):
            yield from _one_by_one(tx, organization_id, piece)


def _between(tx: Transaction, organization_id: str, first: int, last: int) -> list[Entry]:
    columns = audit_entries.c
    query = sa.select(audit_entries).where(
        columns.organization_id == organization_id, columns.number >= first, columns.number <= last
    )
    return [Entry(**row) for row in tx.all(query.order_by(columns.number)) if isinstance(row["number"], int)]


def _one_by_one(tx: Transaction, organization_id: str, numbers: Sequence[int]) -> Iterator[Entry | Unreadable]:
    for number in numbers:
        try:
            yield from _between(tx, organization_id, number, number)
        except (TypeError, ValueError, LookupError):
            yield Unreadable(number)
