"""/apps: the catalog of apps, what each version brought, who may use them and what uses them."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.actions.catalogue import discover
from ringfence.apps import service
from ringfence.apps.model import Category, Placed
from ringfence.apps.shelf import shelf
from ringfence.errors import Outdated, RingfenceError
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.security.access import Asker, needs, who
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.storage.scope import everywhere
from ringfence.web import overtaken, views
from ringfence.web.filters import Search
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_STATES = {
    "": "All",
    "installed": "Installed",
    "available": "Not installed",
    "upgraded": "Upgraded",
    "broken": "Broken",
}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.APP_READ)])
    database, known = services.database, shelf(discover())

    @router.get("/apps")
    async def listing(
        request: Request,
        session: SignedIn,
        asker: Asker,
        q: Search = "",
        state: Annotated[str, Query(max_length=20)] = "",
        category: Annotated[str, Query(max_length=20)] = "",
    ) -> Response:
        view = await views.look(request, database, asker, "apps")
        if view.leads:
            return RedirectResponse(view.leads, 303)

        def look(tx: Transaction) -> tuple[int, list[Placed]]:
            return changes.latest(tx), service.listing(tx, known)

        number, every = await database.read(look)
        found = [
            each
            for each in every
            if _fits(each, state) and category in ("", each.app.category.value) and _says(each, q.strip())
        ]
        context = {
            "view": view,
            "apps": found,
            "mine": session.user.organization_id,
            "q": q,
            "state": state,
            "states": _STATES,
            "category": category,
            "categories": list(Category),
        }
        return pages.render(request, "apps/list.html", context, live=Live(("app",), number))

    async def show(
        request: Request,
        session: SignedIn,
        app_id: str,
        problem: RingfenceError | None = None,
        chosen: tuple[str, list[str], str] | None = None,
    ) -> Response:
        manages = who(request).may(Permission.APP_MANAGE)

        def look(tx: Transaction) -> tuple[Placed, list[service.Use]]:
            found = service.get(tx, known, app_id)
            return found, service.uses(tx, found.app, session.user.organization_id)

        found, used = await database.read(look)
        every: list[Organization] = []
        if manages:
            with everywhere():
                every = await database.read(organizations.every)
        context = {
            "each": found,
            "used": used,
            "organizations": every,
            "chosen": chosen or _chosen(found),
            "problem": overtaken.told(problem) if problem else None,
            "manages": manages,
        }
        status = problem.status if problem else 200
        return pages.render(request, "apps/one.html", context, status=status)

    @router.get("/apps/{app_id}")
    async def one(request: Request, session: SignedIn, app_id: str) -> Response:
        return await show(request, session, app_id)

    @router.post("/apps/{app_id}/install", dependencies=[needs(Permission.APP_MANAGE)])
    async def install(
        request: Request,
        session: SignedIn,
        app_id: str,
        whose: Annotated[str, Form(max_length=10)] = "all",
        organization: Annotated[list[str] | None, Form()] = None,
        seen: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        names = None if whose == "all" else organization or []
        typed = (whose, organization or [], seen)
        try:
            with everywhere():
                await database.run(
                    lambda tx: service.install(tx, known, app_id, names=names, by=session.user.name, seen=seen)
                )
        except Outdated as problem:
            now = await database.read(lambda tx: service.edition(service.get(tx, known, app_id)))
            return await show(request, session, app_id, problem, (*typed[:2], now))
        except RingfenceError as problem:
            return await show(request, session, app_id, problem, typed)
        return RedirectResponse(f"/apps/{app_id}", 303)

    @router.post("/apps/{app_id}/uninstall", dependencies=[needs(Permission.APP_MANAGE)])
    async def uninstall(request: Request, session: SignedIn, app_id: str) -> Response:
        try:
            with everywhere():
                await database.run(lambda tx: service.uninstall(tx, known, app_id, by=session.user.name))
        except RingfenceError as problem:
            return await show(request, session, app_id, problem)
        return RedirectResponse(f"/apps/{app_id}", 303)

    @router.post("/apps/{app_id}/accept", dependencies=[needs(Permission.APP_MANAGE)])
    async def accept(session: SignedIn, app_id: str) -> Response:
        with everywhere():
            await database.run(lambda tx: service.accept(tx, known, app_id, by=session.user.name))
        return RedirectResponse(f"/apps/{app_id}", 303)

    return router


def _chosen(found: Placed) -> tuple[str, list[str], str]:
    whose = "all" if found.everybody or not found.installed else "some"
    return whose, list(found.organizations), service.edition(found)


def _fits(each: Placed, state: str) -> bool:
    match state:
        case "installed":
            return each.installed
        case "available":
            return not each.installed and not each.app.problem
        case "upgraded":
            return each.upgraded
        case "broken":
            return bool(each.app.problem)
        case _:
            return True


def _says(each: Placed, text: str) -> bool:
    words = (each.app.id, each.app.title, each.app.description, each.app.publisher, each.app.kind)
    return text.casefold() in "\n".join(words).casefold()
