"""Every request to Defender about a containment, with its reply: kept without token or secret, bounded, for its proof.

What was met is written after each move, in a transaction of its own: a containment never waits for its record.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.containment.model import FINAL, Containment
from ringfence.defender.witness import Exchange, witnessed
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containment_exchanges, containments

LARGEST: Final = 16_384
"""Characters of a body that are kept where nobody says otherwise."""
MOST: Final = 500
"""Exchanges that are kept of one containment: beyond them the oldest that changed nothing are forgotten."""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """One exchange as kept; bodies are cut, and `request_size` and `reply_size` are the bytes that they had."""

    id: int
    containment_id: str
    at: datetime
    operation: str
    method: str
    url: str
    attempt: int
    status: int | None
    elapsed: float
    request_id: str
    correlation_id: str
    error: str
    request_body: str
    request_size: int
    reply_body: str
    reply_size: int

    @property
    def outcome(self) -> str:
        """The status, or why there is none."""
        return str(self.status) if self.status is not None else f"no reply ({self.error})"


def of(tx: Transaction, containment_id: str) -> list[Kept]:
    """Return the exchanges of a containment, oldest first."""
    columns = containment_exchanges.c
    query = sa.select(containment_exchanges).where(columns.containment_id == containment_id)
    return [Kept(**row) for row in tx.all(query.order_by(columns.at, columns.id))]


@asynccontextmanager
async def recorded(database: Database, containment: Containment, *, largest: int = LARGEST) -> AsyncIterator[None]:
    """Keep every exchange that is made inside the block, however it ends."""
    met: list[Exchange] = []
    try:
        with witnessed(met.append):
            yield
    finally:
        await record(database, [containment], met, largest=largest)


async def record(
    database: Database, group: Sequence[Containment], met: Sequence[Exchange], *, largest: int = LARGEST
) -> None:
    """Keep exchanges for each of a group; of a list that concerns many machines each keeps what is about its own.

    What cannot be kept is logged and stops nothing.
    """
    if not met or not group:
        return
    try:
        await database.run(lambda tx: _write(tx, group, met, largest))
    except sa.exc.SQLAlchemyError:
        log.exception("the exchanges of a containment could not be kept", containment=group[0].id)


def forget(tx: Transaction, *, older_than: timedelta) -> int:
    """Delete the exchanges of containments that are over since longer; returns how many."""
    over = sa.select(containments.c.id).where(
        containments.c.state.in_([state.value for state in FINAL]),
        containments.c.finished_at < clock.now() - older_than,
    )
    statement = sa.delete(containment_exchanges).where(containment_exchanges.c.containment_id.in_(over))
    return tx.execute(statement).rowcount


def _write(tx: Transaction, group: Sequence[Containment], met: Sequence[Exchange], largest: int) -> None:
    columns = containment_exchanges.c
    ids = [containment.id for containment in group]
    seen = sa.select(columns.containment_id, columns.request_id).where(
        columns.containment_id.in_(ids), columns.request_id.in_([each.request_id for each in met])
    )
    known = {(row["containment_id"], row["request_id"]) for row in tx.all(seen)}
    rows: list[dict[str, Any]] = []
    for each in met:
        replies = _Replies(each.reply, shared=len(group) > 1)
        fixed = _fixed(each, largest)
        rows += [
            {"containment_id": mine.id, **fixed, "reply_body": _body(replies.about(mine.machine_id), largest)}
            for mine in group
            if (mine.id, each.request_id) not in known
        ]
    if rows:
        tx.execute(sa.insert(containment_exchanges), rows)
        _prune(tx, ids)


def _prune(tx: Transaction, ids: Sequence[str]) -> None:
    columns = containment_exchanges.c
    counted = sa.select(columns.containment_id, sa.func.count().label("number")).where(columns.containment_id.in_(ids))
    for row in tx.all(counted.group_by(columns.containment_id).having(sa.func.count() > MOST)):
        # What acted is never forgotten: only the looks that were repeated until something happened.
        looks = sa.select(columns.id).where(columns.containment_id == row["containment_id"], columns.method == "GET")
        oldest = looks.order_by(columns.id).limit(row["number"] - MOST)
        tx.execute(sa.delete(containment_exchanges).where(columns.id.in_(oldest)))


def _fixed(met: Exchange, largest: int) -> dict[str, Any]:
    return {
        "at": met.at,
        "operation": met.operation,
        "method": met.method,
        "url": storable(str(logs.redact(met.url))),
        "attempt": met.attempt,
        "status": met.status,
        "elapsed": met.elapsed,
        "request_id": met.request_id,
        "correlation_id": storable(met.correlation_id),
        "error": met.error,
        "request_body": _body(met.request, largest),
        "request_size": len(met.request),
        "reply_size": len(met.reply),
    }


class _Replies:
    """One reply, for those whom it concerns: of a list, each gets what is about its machine and how much was left out."""

    def __init__(self, reply: bytes, *, shared: bool) -> None:
        self._whole = reply
        self._document = _list(reply) if shared else None
        self._by_machine: dict[object, list[Any]] = {}
        for item in self._document["value"] if self._document else ():
            key = item.get("machineId") if isinstance(item, dict) else None
            self._by_machine.setdefault(key, []).append(item)

    def about(self, machine_id: str | None) -> bytes:
        """Return what is about a machine."""
        if self._document is None:
            return self._whole
        mine = self._by_machine.get(machine_id, [])
        left_out = {"leftOutOfThisRecord": len(self._document["value"]) - len(mine)}
        return json.dumps({**self._document, "value": mine, **left_out}).encode()


def _list(reply: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and isinstance(document.get("value"), list) else None


def _body(content: bytes, largest: int) -> str:
    text = content.decode("utf-8", "replace")
    try:
        text = json.dumps(logs.redact(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = str(logs.redact(text))
    text = storable(text)
    return text if len(text) <= largest else f"{text[:largest]}… (cut)"
