"""Parts of the texts of alerts, found without reading all of them: on SQLite only, where no text is shorter than three letters.

The index (`alert_texts`) holds every three letters in a row of title and host, and no text. What it finds has all of these
threes, which is more than the text that is looked for: whoever asks looks at the rows too. Triggers keep it, and
`alert_numbers` counts alerts in the order of their arrival, which is the order in which it finds them. Both stand beside the
tables of `metadata`; PostgreSQL has neither.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from ringfence.storage.database import Transaction

SHORTEST: Final = 3
OWN: Final = ("alert_texts", "alert_numbers")
"""What the names of these tables begin with."""
_MOST: Final = 40
"""Threes of a text that are looked for: more narrow nothing down any further."""

_numbers: Final = sa.table("alert_numbers", sa.column("number", sa.Integer), sa.column("alert_id", sa.Text))
_texts: Final = sa.table("alert_texts", sa.column("rowid", sa.Integer), sa.column("alert_texts", sa.Text))


def possible(tx: Transaction, text: str) -> bool:
    """Whether a text can be looked for in the index."""
    return tx.dialect == "sqlite" and len(text) >= SHORTEST


def some(tx: Transaction, text: str, *, below: int | None, limit: int) -> list[int]:
    """Return the highest numbers of alerts that may hold `text`, the newest first."""
    query = sa.select(_texts.c.rowid).where(_texts.c.alert_texts.op("MATCH")(_words(text)))
    if below is not None:
        query = query.where(_texts.c.rowid < below)
    return list(tx.execute(query.order_by(_texts.c.rowid.desc()).limit(limit)).scalars())


def ids_of(found: Sequence[int]) -> sa.Select[Any]:
    """Return the query of our ids of the alerts that have these numbers."""
    return sa.select(_numbers.c.alert_id).where(_numbers.c.number.in_(found))


def number_of(tx: Transaction, alert_id: str) -> int | None:
    """Return the number of an alert, None where it has gone."""
    found = tx.scalar(sa.select(_numbers.c.number).where(_numbers.c.alert_id == alert_id))
    return None if found is None else int(found)


def _words(text: str) -> str:
    threes = dict.fromkeys(text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1))
    return " ".join('"' + each.replace('"', '""') + '"' for each in list(threes)[:_MOST])
