"""Which columns of a list somebody wants to see. All inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from ringfence.errors import Invalid
from ringfence.security.rbac import Actor
from ringfence.storage import Transaction
from ringfence.storage.tables import list_choices
from ringfence.views.lists import Column, List

_C = list_choices.c


@dataclass(frozen=True)
class Choice:
    """The columns that are shown to somebody, in their order, and whether they chose them themselves."""

    columns: tuple[Column, ...]
    own: bool

    @cached_property
    def keys(self) -> frozenset[str]:
        """What the columns are called; every cell of a list asks for it."""
        return frozenset(each.key for each in self.columns)


def shown(tx: Transaction, asker: Actor, kind: List) -> Choice:
    """Return what somebody sees of a list; columns that this release no longer has are passed over."""
    query = sa.select(_C.shown).where(*_mine(asker, kind))
    keys = tx.scalar(query) if asker.user_id is not None else None
    return Choice(kind.usual_columns, own=False) if keys is None else Choice(kind.chosen(keys), own=True)


def choose(tx: Transaction, asker: Actor, kind: List, keys: Sequence[str] | None) -> Choice:
    """Show somebody these columns of a list from now on, in this order, beside those always shown; None for the usual ones."""
    if asker.user_id is None:
        raise Invalid("Only a person chooses columns.", advice="Ask with a session, or with a token of a person.")
    known = [each.key for each in kind.columns]
    if keys is not None and (strange := [each for each in keys if each not in known]):
        there = ", ".join(known) or "none to choose"
        raise Invalid(f"{kind.title} have no column {strange[0][:60]!r}.", advice=f"There are: {there}.")
    wanted = None if keys is None else [each.key for each in kind.chosen(keys)]
    if wanted == [each.key for each in kind.usual_columns]:
        wanted = None
    mine = {"organization_id": asker.organization_id, "user_id": asker.user_id, "list": kind.name}
    tx.insert_new(list_choices, [mine])
    tx.execute(sa.update(list_choices).where(*_mine(asker, kind)).values(shown=wanted))
    return shown(tx, asker, kind)


def _mine(asker: Actor, kind: List) -> tuple[sa.ColumnElement[bool], ...]:
    return _C.organization_id == asker.organization_id, _C.user_id == (asker.user_id or ""), _C.list == kind.name
