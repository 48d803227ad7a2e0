"""Requests to the API of playbooks, with the session's token."""

from collections.abc import Awaitable, Callable

import httpx

from ringfence.storage import Database
from webfixtures import csrf

LOOK = """\
ringfence: 1
name: Look
trigger: {type: manual}
steps:
  one: {action: logic.set, with: {values: {a: 1}}}
"""
OTHER = LOOK.replace("a: 1", "a: 2")
Send = Callable[..., Awaitable[httpx.Response]]


def sending(client: httpx.AsyncClient, database: Database) -> Send:
    """Return what sends a request below /api/v1/playbooks; `seen` is the ETag that was read."""

    async def sent(method: str, path: str, body: object = None, seen: int | None = None) -> httpx.Response:
        headers = {"X-CSRF-Token": csrf(client, database)} | ({} if seen is None else {"If-Match": f'"{seen}"'})
        return await client.request(method, f"/api/v1/playbooks{path}", json=body, headers=headers)

    return sent
