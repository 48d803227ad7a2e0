"""Middleware: find out who is there. `request.state.session` is a Session or None on every request."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.approvals import service as approvals
from ringfence.audit.acting import Via, acting
from ringfence.containment import brakes, policies
from ringfence.errors import NotSignedIn
from ringfence.organizations import members, places
from ringfence.security import sessions
from ringfence.security.rbac import asked_by
from ringfence.security.sessions import Session
from ringfence.storage import Transaction
from ringfence.web.cookies import session_token
from ringfence.web.forgery import HOOKS
from ringfence.web.services import Services


class Sessions:
    """Looks the browser's cookie up, and in which organization its person works: `request.state.actor`, None if in none."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state |= {"session": None, "actor": None}
            if not scope["path"].startswith(("/static/", HOOKS)):
                token = session_token(HTTPConnection(scope), self._services.settings)
                if token:
                    state |= await self._services.database.read(lambda tx: _look(tx, token))
        session: Session | None = scope.get("state", {}).get("session")
        if session is None:
            await self._app(scope, receive, send)
            return
        via = Via.API if scope["path"].startswith("/api/") else Via.PAGE
        with acting(session.user.name, via, session.label), asked_by(scope["state"]["actor"]):
            await self._app(scope, receive, send)


def _look(tx: Transaction, token: str) -> dict[str, object]:
    """Return the session, where its person works, and what every page shows: how many questions wait, what stops containing."""
    found = sessions.find(tx, token)
    if found is None:
        return {}
    actor = members.actor(tx, found.user.id, places.chosen(tx, token), label=found.label, how="session")
    if actor is None:
        return {"session": found}
    here = actor.organization_id
    return {
        # What is asked of the person's organization is asked of the one where they are now.
        "session": replace(found, user=replace(found.user, organization_id=here)),
        "actor": actor,
        "waiting": approvals.open_count(tx, here),
        "stops": policies.stops(tx, here),
        "brakes": brakes.holding(tx, here),
    }


def signed_in(request: Request) -> Session:
    """Return the session; raise NotSignedIn where there is none."""
    session: Session | None = request.state.session
    if session is None:
        raise NotSignedIn("Nobody is signed in.", advice="Sign in first.")
    return session


SignedIn = Annotated[Session, Depends(signed_in)]
