"""How an action reaches the tables of its organization: in the name of its run, or of a person."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from ringfence.actions import Json
from ringfence.clock import iso
from ringfence.errors import RingfenceError
from ringfence.runs.door import failure
from ringfence.storage import Database, Transaction
from ringfence.tables import entries, service
from ringfence.tables.model import Entry, NewEntry

T = TypeVar("T")


class Tables:
    """The table port of one run, or of a person; see `ringfence.actions.TablePort`."""

    def __init__(self, database: Database, organization_id: str, by: str) -> None:
        self._database = database
        self._organization_id = organization_id
        self._by = by

    async def look_up(self, table: str, values: Sequence[str], /) -> list[dict[str, Json] | None]:
        """Find values."""

        def work(tx: Transaction) -> list[dict[str, Json] | None]:
            found = entries.look_up(tx, service.by_name(tx, self._organization_id, table), values)
            return [None if each.entry is None else described(each.entry) for each in found]

        return await self._do(work, writes=False)

    async def put(
        self,
        table: str,
        values: Sequence[str],
        /,
        *,
        note: str,
        data: Mapping[str, str],
        expires_at: datetime | None,
        key: str,
    ) -> int:
        """Put entries in, once for a key."""
        new = [NewEntry(each, note, expires_at, data) for each in values]

        def work(tx: Transaction) -> int:
            found = service.by_name(tx, self._organization_id, table)
            return entries.put(tx, found, new, by=self._by, effect=key)

        return await self._do(work, writes=True)

    async def take_out(self, table: str, values: Sequence[str], /) -> int:
        """Take entries out."""

        def work(tx: Transaction) -> int:
            return entries.take_out(tx, service.by_name(tx, self._organization_id, table), values, by=self._by)

        return await self._do(work, writes=True)

    async def _do(self, work: Callable[[Transaction], T], *, writes: bool) -> T:
        try:
            return await (self._database.run(work) if writes else self._database.read(work))
        except RingfenceError as error:
            raise failure(error) from None


def described(entry: Entry) -> dict[str, Json]:
    """Return an entry as playbooks see it."""
    return {
        "value": entry.value,
        "note": entry.note,
        "data": dict(entry.data),
        "expires_at": iso(entry.expires_at) if entry.expires_at else None,
        "added_at": iso(entry.added_at),
        "added_by": entry.added_by,
    }
