"""/starters: the playbooks that come with Ringfence, and one to look at and to make a draft of."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.accounts import records
from ringfence.errors import RingfenceError
from ringfence.playbooks import drafts, starter
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=200)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    database = services.database

    async def shown(
        request: Request,
        session: SignedIn,
        name: str,
        values: dict[str, str] | None = None,
        problem: RingfenceError | None = None,
    ) -> Response:
        found = starter.find(name)
        organization = session.user.organization_id
        accounts = await database.read(lambda tx: [each.name for each in records.every(tx, organization)])
        context: dict[str, Any] = {"starter": found, "accounts": accounts, "problem": problem}
        context["values"] = values or {"name": found.title}
        return pages.render(request, "starters/one.html", context, status=problem.status if problem else 200)

    @router.get("/starters")
    async def listing(request: Request, session: SignedIn) -> Response:
        return pages.render(request, "starters/list.html", {"starters": list(starter.starters().values())})

    @router.get("/starters/{name}")
    async def one(request: Request, session: SignedIn, name: str) -> Response:
        return await shown(request, session, name)

    @router.post("/starters/{name}", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def take(
        request: Request, session: SignedIn, name: str, called: Text = "", account: Text = "", channel: Text = ""
    ) -> Response:
        found = starter.find(name)
        user = session.user

        def work(tx: Transaction) -> str:
            text = starter.made_from(
                found,
                name=called or None,
                account=account or None,
                channel=(channel or None) if found.channels else None,
            )
            note = f"Made from the starter {found.name}."
            return drafts.save(tx, user.organization_id, text, user.name, expected=0, note=note).playbook_id

        try:
            made = await database.run(work)
        except RingfenceError as problem:
            values = {"name": called, "account": account, "channel": channel}
            return await shown(request, session, name, values, problem)
        return RedirectResponse(f"/playbooks/{made}/draft", 303)

    return router
