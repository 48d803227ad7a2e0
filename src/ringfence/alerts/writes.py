"""What Ringfence writes to alerts, kept before it is sent, so that it is known again when Defender shows it back.

All functions work inside the caller's transaction. Alerts are named by Defender's ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts.echo import Write
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import alert_writes

KEPT: Final = timedelta(days=7)
"""For how long a write that was never shown is looked for."""


def record(tx: Transaction, account_id: str, alert_ids: Iterable[str], values: Mapping[str, Any], key: str) -> None:
    """Keep what is about to be written to alerts, by Defender's names of the fields (`comments`: the text of one).

    `key` says who writes (`run:step:iteration`): doing it again changes nothing. What is None is not written.
    """
    now = clock.now()
    rows = [
        {
            "account_id": account_id,
            "alert_id": storable(alert_id),
            "key": storable(key),
            "field": field,
            "value": value,
            "written_at": now,
        }
        for alert_id in dict.fromkeys(alert_ids)
        for field, value in values.items()
        if value is not None
    ]
    tx.insert_new(alert_writes, rows)


def withdraw(tx: Transaction, account_id: str, key: str) -> None:
    """Forget what was about to be written and provably was not."""
    tx.execute(
        sa.delete(alert_writes).where(
            alert_writes.c.account_id == account_id,
            alert_writes.c.key == storable(key),
            alert_writes.c.shown_in.is_(None),
        )
    )


def unseen(tx: Transaction, account_id: str, alert_ids: Sequence[str]) -> dict[str, list[Write]]:
    """Return what was written to these alerts and was not shown back yet, by alert."""
    found: dict[str, list[Write]] = {}
    columns = alert_writes.c
    query = sa.select(columns.alert_id, columns.field, columns.value, columns.written_at, columns.key).where(
        columns.account_id == account_id,
        columns.alert_id.in_(alert_ids),
        columns.shown_in.is_(None),
        columns.written_at > clock.now() - KEPT,
    )
    for row in tx.all(query.order_by(columns.written_at)):
        write = Write(row["field"], row["value"], row["written_at"], row["key"])
        found.setdefault(row["alert_id"], []).append(write)
    return found


def mark_shown(tx: Transaction, account_id: str, alert_id: str, version: int, writes: Iterable[Write]) -> None:
    """Note in which version writes were shown, or overruled."""
    for write in writes:
        tx.execute(
            sa.update(alert_writes)
            .where(
                alert_writes.c.account_id == account_id,
                alert_writes.c.alert_id == alert_id,
                alert_writes.c.key == write.key,
                alert_writes.c.field == write.field,
            )
            .values(shown_in=version)
        )


def forget(tx: Transaction) -> int:
    """Delete what is not looked for any more; returns how many."""
    return tx.execute(sa.delete(alert_writes).where(alert_writes.c.written_at <= clock.now() - KEPT)).rowcount
