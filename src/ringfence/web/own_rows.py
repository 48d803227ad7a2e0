"""Middleware: each request sees only the rows of the organization that it is of (see `storage.scope`).

It stands below what finds out who is there. A page for nobody in particular (signing in, a webhook, a link that answers) looks
where its token or signature leads, and so sees all; every other request without an organization sees nothing.
"""

from contextlib import AbstractContextManager
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.security.rbac import Actor
from ringfence.storage.scope import everywhere, nowhere, within

OPEN: Final = ("/sign-in", "/sign-out", "/answer", "/hooks/", "/metrics", "/organizations/choose")
# One's own account is the same in every organization where one works.
OWN: Final = ("/me/app", "/me/password", "/me/recovery-codes", "/me/sessions")


class OwnRows:
    """Says whose rows the rest of a request is about."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with _rows(scope["path"], scope.get("state", {}).get("actor")):
            await self._app(scope, receive, send)


def _rows(path: str, actor: Actor | None) -> AbstractContextManager[None]:
    if path.startswith((*OPEN, *OWN)) or path == "/me":
        return everywhere()
    return nowhere() if actor is None else within(actor.organization_id, actor.user_id or "")
