"""/outbound: with which credentials playbooks call services by HTTP, and which hosts they may call without one."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import RingfenceError
from ringfence.outbound import accounts, destinations
from ringfence.outbound.destinations import Destination
from ringfence.outbound.model import HttpAccount, Kind, NewHttpAccount
from ringfence.security.access import needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import kept
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=2_000)]
Secret = Annotated[str, Form(max_length=8_000)]
KINDS = {
    Kind.BEARER: "A token (bearer)",
    Kind.HEADER: "A key in a header",
    Kind.QUERY: "A key in the query",
    Kind.BASIC: "User and password",
    Kind.OAUTH2: "OAuth 2 client credentials",
}

FIELDS = ("name", "kind", "address", "parameter", "user", "token_url", "client_id", "scope")


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.OUTBOUND_READ)])
    database, vault = services.database, services.sender.vault

    async def show(
        request: Request,
        session: SignedIn,
        problem: RingfenceError | None = None,
        values: dict[str, str] | None = None,
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, list[HttpAccount], list[Destination]]:
            return changes.latest(tx), accounts.every(tx, organization), destinations.every(tx, organization)

        number, found, hosts = await database.read(look)
        context: dict[str, Any] = {"accounts": found, "hosts": hosts, "kinds": KINDS, "problem": problem}
        context["values"] = values or kept.words(kept.found(request, services.settings))
        live = Live(("http_account", "destination"), number)
        status = problem.status if problem else 200
        response = pages.render(request, "outbound/list.html", context, live=live, status=status)
        return kept.forget(response, request, services.settings)

    @router.get("/outbound")
    async def overview(request: Request, session: SignedIn) -> Response:
        return await show(request, session)

    @router.post("/outbound/accounts", dependencies=[needs(Permission.OUTBOUND_MANAGE), kept.proven(*FIELDS)])
    async def make(
        request: Request,
        session: SignedIn,
        name: Text = "",
        kind: Text = "bearer",
        address: Text = "",
        secret: Secret = "",
        parameter: Text = "",
        user: Text = "",
        token_url: Text = "",
        client_id: Text = "",
        scope: Text = "",
    ) -> Response:
        values = {"name": name, "kind": kind, "address": address, "parameter": parameter, "user": user}
        values |= {"token_url": token_url, "client_id": client_id, "scope": scope}
        by = session.user
        new = NewHttpAccount(**values, secret=secret)
        try:
            await database.run(lambda tx: accounts.add(tx, vault, by.organization_id, new, by=by.name))
        except RingfenceError as problem:
            # What is secret is typed again: it is never put into a page.
            return await show(request, session, problem, values)
        return RedirectResponse("/outbound", 303)

    @router.post("/outbound/accounts/{account}/renew", dependencies=[needs(Permission.OUTBOUND_MANAGE), PROVEN])
    async def renew(request: Request, session: SignedIn, account: str, secret: Secret = "") -> Response:
        by = session.user
        try:
            await database.run(lambda tx: accounts.renew(tx, vault, by.organization_id, account, secret, by=by.name))
        except RingfenceError as problem:
            return await show(request, session, problem)
        return RedirectResponse("/outbound", 303)

    @router.post("/outbound/accounts/{account}/remove", dependencies=[needs(Permission.OUTBOUND_MANAGE)])
    async def remove(session: SignedIn, account: str) -> Response:
        by = session.user
        await database.run(lambda tx: accounts.remove(tx, by.organization_id, account, by=by.name))
        return RedirectResponse("/outbound", 303)

    @router.post("/outbound/hosts", dependencies=[needs(Permission.OUTBOUND_MANAGE)])
    async def allow(request: Request, session: SignedIn, host: Text = "", note: Text = "") -> Response:
        by = session.user
        try:
            await database.run(
                lambda tx: destinations.allow(
                    tx, by.organization_id, host, note, by=by.name, allowed=services.sender.allowed
                )
            )
        except RingfenceError as problem:
            return await show(request, session, problem, {"host": host, "note": note})
        return RedirectResponse("/outbound", 303)

    @router.post("/outbound/hosts/{destination}/withdraw", dependencies=[needs(Permission.OUTBOUND_MANAGE)])
    async def withdraw(session: SignedIn, destination: str) -> Response:
        by = session.user
        await database.run(lambda tx: destinations.withdraw(tx, by.organization_id, destination, by=by.name))
        return RedirectResponse("/outbound", 303)

    return router
