"""In which organization a browser works: chosen by its person, one at a time, and never by itself where there are several."""

import sqlalchemy as sa

from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import NotFound
from ringfence.organizations import members
from ringfence.organizations.members import Place
from ringfence.security import bearer, sessions
from ringfence.storage import Transaction
from ringfence.storage.tables import sessions as sessions_table


def chosen(tx: Transaction, token: str) -> str | None:
    """Return the organization that a session chose; None where none was."""
    mine = sessions_table.c.token_hash == bearer.digest(token)
    found: str | None = tx.scalar(sa.select(sessions_table.c.organization_id).where(mine))
    return found


def choose(tx: Transaction, token: str, organization_id: str) -> tuple[str, Place]:
    """Let a session work in another organization; returns its new token, and where it is now.

    NotFound where its person may not work there. Forms of pages that are still open carry the old form token and are refused:
    what was meant for one organization is never done in another.
    """
    session = sessions.find(tx, token)
    found = members.place(tx, session.user.id, organization_id) if session is not None else None
    if session is None or found is None:
        raise NotFound("There is no such organization for you.", advice="Choose one of the list.")
    before = chosen(tx, token)
    fresh = sessions.renew(tx, token)
    assert fresh is not None
    mine = sessions_table.c.token_hash == bearer.digest(fresh)
    tx.execute(sa.update(sessions_table).where(mine).values(organization_id=organization_id))
    user = session.user
    said = {"name": user.name, "organization": found.organization.name, "role": found.role}
    log.write(tx, Event.ORGANIZATION_ENTERED, organization_id, organization_id, details=said, actor=user.name)
    for each in {before or user.organization_id, organization_id}:
        tx.changed(each, "session", user.id, "moved")
    return fresh, found
