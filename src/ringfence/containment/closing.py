"""Close an organization: only when none of its hosts is held any more, since nobody could release them afterwards."""

import sqlalchemy as sa

from ringfence.errors import Conflict
from ringfence.organizations import service
from ringfence.organizations.model import Organization, State
from ringfence.storage import Transaction
from ringfence.storage.tables import containments, responses

_SHOWN = 5


def close(tx: Transaction, organization_id: str, reason: str) -> Organization:
    """Close an organization; Conflict, with the hosts, while containments or responses of it are alive."""
    held = _alive(tx, containments, organization_id) + _alive(tx, responses, organization_id)
    if held:
        shown = ", ".join(dict.fromkeys(held[:_SHOWN])) + (" …" if len(held) > _SHOWN else "")
        raise Conflict(
            f"Something is still done to {len(held)} host{'s' if len(held) > 1 else ''} for this organization: {shown}.",
            advice="Release and undo it first: nobody of a closed organization could.",
        )
    return service.stand(tx, organization_id, State.CLOSED, reason)


def _alive(tx: Transaction, table: sa.Table, organization_id: str) -> list[str]:
    query = sa.select(table.c.target).where(table.c.organization_id == organization_id, table.c.live_key.is_not(None))
    return [row["target"] for row in tx.all(query.order_by(table.c.id))]
