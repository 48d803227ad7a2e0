"""What a browser sends to the designer, and somebody who may do less."""

from typing import Any

import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.security.rbac import Role
from ringfence.storage import Database, tables
from webfixtures import csrf


async def send(
    client: httpx.AsyncClient, embedded: Database, path: str, body: dict[str, Any], **more: Any
) -> httpx.Response:
    """Send JSON as the designer's scripts do."""
    headers = {"X-CSRF-Token": csrf(client, embedded), **more.pop("headers", {})}
    return await client.request(more.pop("method", "POST"), path, json=body, headers=headers)


def demote(embedded: Database, contoso: Contoso, role: Role = Role.READ_ONLY) -> None:
    """Make the person who is signed in somebody who may do less."""
    embedded.run_now(
        lambda tx: tx.execute(
            sa.update(tables.memberships).where(tables.memberships.c.user_id == contoso.user_id).values(role=role.value)
        )
    )
