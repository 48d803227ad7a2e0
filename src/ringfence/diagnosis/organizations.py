"""What somebody who works in several organizations wants to know of each: how it stands, and what waits for people."""

from dataclasses import dataclass

import sqlalchemy as sa

from ringfence.containment.model import HELD
from ringfence.organizations import members
from ringfence.organizations.members import Place
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts, approvals, containments, incidents


@dataclass(frozen=True, slots=True)
class Line:
    """One organization: where somebody works as what, and the numbers of what is open there."""

    place: Place
    incidents: int
    held: int
    waiting: int
    broken: int


def lines(tx: Transaction, user_id: str) -> list[Line]:
    """Return a line for each organization of a person: open incidents, held hosts, open questions, accounts that failed."""
    found = members.places(tx, user_id)
    ids = [each.organization.id for each in found]
    counted = [
        _count(tx, incidents, incidents.c.status != "resolved", ids),
        _count(tx, containments, containments.c.state.in_([each.value for each in HELD]), ids),
        _count(tx, approvals, approvals.c.state == "open", ids),
        _count(tx, accounts, accounts.c.state == "failed", ids),
    ]
    return [Line(each, *(numbers.get(each.organization.id, 0) for numbers in counted)) for each in found]


def _count(tx: Transaction, table: sa.Table, condition: sa.ColumnElement[bool], ids: list[str]) -> dict[str, int]:
    owner = table.c.organization_id
    query = sa.select(owner, sa.func.count().label("number")).where(owner.in_(ids), condition).group_by(owner)
    return {row["organization_id"]: row["number"] for row in tx.all(query)}
