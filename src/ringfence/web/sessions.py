"""Middleware: find out who is there. `request.state.session` is a Session or None on every request."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.approvals import service as approvals
from ringfence.audit.acting import Via, acting
from ringfence.containment import brakes, policies
from ringfence.errors import NotSignedIn
from ringfence.security import sessions
from ringfence.security.sessions import Session
from ringfence.storage import Transaction
from ringfence.web.cookies import session_token
from ringfence.web.forgery import HOOKS
from ringfence.web.services import Services


class Sessions:
    """Looks the browser's cookie up."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state["session"] = None
            if not scope["path"].startswith(("/static/", HOOKS)):
                token = session_token(HTTPConnection(scope), self._services.settings)
                if token:
                    state |= await self._services.database.read(lambda tx: _look(tx, token))
        session: Session | None = scope.get("state", {}).get("session")
        if session is None:
            await self._app(scope, receive, send)
            return
        via = Via.API if scope["path"].startswith("/api/") else Via.PAGE
        with acting(session.user.name, via, session.label):
            await self._app(scope, receive, send)


def _look(tx: Transaction, token: str) -> dict[str, object]:
    """Return the session, and what every page shows: how many questions wait, and what stops containing."""
    found = sessions.find(tx, token)
    if found is None:
        return {"session": None}
    organization_id = found.user.organization_id
    return {
        "session": found,
        "waiting": approvals.open_count(tx, organization_id),
        "stops": policies.stops(tx, organization_id),
        "brakes": brakes.holding(tx, organization_id),
    }


def signed_in(request: Request) -> Session:
    """Return the session; raise NotSignedIn where there is none."""
    session: Session | None = request.state.session
    if session is None:
        raise NotSignedIn("Nobody is signed in.", advice="Sign in first.")
    return session


SignedIn = Annotated[Session, Depends(signed_in)]
