"""Middleware: find out who is there. `request.state.session` is a Session or None on every request.

`state.actor` is who asks, by a session or by a token of a program; `state.proven` whether they have proven lately who they are.
"""

from collections.abc import MutableMapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.audit.acting import Via, acting
from ringfence.containment import brakes, policies
from ringfence.errors import NotSignedIn
from ringfence.organizations import members, places
from ringfence.organizations import service as organizations
from ringfence.security import sessions, sign_in_rules
from ringfence.security.rbac import asked_by
from ringfence.security.sessions import Session
from ringfence.security.sign_in_rules import Demand
from ringfence.storage import Transaction
from ringfence.web.bearers import Bearers, bearer_token
from ringfence.web.cookies import session_token
from ringfence.web.forgery import HOOKS
from ringfence.web.services import Services


class Sessions:
    """Looks the browser's cookie up, and in which organization its person works: `request.state.actor`, None if in none."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._bearers = Bearers(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state |= {"session": None, "actor": None, "proven": False}
            if not scope["path"].startswith(("/static/", HOOKS)):
                connection = HTTPConnection(scope)
                given = bearer_token(connection)
                if given is not None:
                    await self._by_token(scope, receive, send, given)
                    return
                await self._by_cookie(connection, state)
        session: Session | None = scope.get("state", {}).get("session")
        if session is None:
            await self._app(scope, receive, send)
            return
        via = Via.API if scope["path"].startswith("/api/") else Via.PAGE
        with acting(session.user.name, via, session.label), asked_by(scope["state"]["actor"]):
            await self._app(scope, receive, send)

    async def _by_cookie(self, connection: HTTPConnection, state: MutableMapping[str, object]) -> None:
        settings, database = self._services.settings, self._services.database
        token = session_token(connection, settings)
        if not token:
            return
        demand = Demand(settings.second_factor)
        state.update(await database.read(lambda tx: _look(tx, token, demand)))
        session = state["session"]
        if not isinstance(session, Session):
            return
        proven = session.authenticated_at
        state["proven"] = proven is not None and clock.now() - proven < timedelta(minutes=settings.confirm_minutes)
        # What a live page fetches by itself is no sign that somebody sits before it.
        itself = connection.url.path == "/events" or connection.headers.get("hx-request-type") == "partial"
        if session.stale and not itself:
            await database.run(lambda tx: sessions.touch(tx, token))

    async def _by_token(self, scope: Scope, receive: Receive, send: Send, given: str) -> None:
        try:
            actor = await self._bearers.actor(HTTPConnection(scope), given)
        except NotSignedIn as problem:
            # The API tells it, in its own form, where it asks who is there.
            scope["state"]["refusal"] = problem
            await self._app(scope, receive, send)
            return
        scope["state"] |= {"actor": actor, "proven": True}
        with acting(actor.name, Via.API, actor.label), asked_by(actor):
            await self._app(scope, receive, send)


def _look(tx: Transaction, token: str, demand: Demand) -> dict[str, object]:
    """Return the session, where its person works, and what every page shows: how many questions wait, what stops containing."""
    found = sessions.find(tx, token)
    if found is None:
        return {}
    # Roles and rules change while somebody is signed in; at a provider the second factor is the provider's.
    if found.provider_id is None and not found.has_app and sign_in_rules.must_have(tx, found.user.id, demand):
        return {}
    actor = members.actor(tx, found.user.id, places.chosen(tx, token), label=found.label, how="session")
    if actor is None:
        return {"session": found}
    here = actor.organization_id
    return {
        # What is asked of the person's organization is asked of the one where they are now.
        "session": replace(found, user=replace(found.user, organization_id=here)),
        "actor": actor,
        "here": organizations.get(tx, here),
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
