"""GET /services: what is followed, how often, and how that goes; POST switches one on or off."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.apps.shelf import of_source
from ringfence.security.access import needs, who
from ringfence.security.rbac import Permission
from ringfence.services import pools, records, service
from ringfence.services.shown import Shown, show
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

SOURCES = ("defender", "graph")


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.SERVICE_READ)])
    settings = services.settings

    @router.get("/services")
    async def listing(request: Request, session: SignedIn) -> Response:
        def look(tx: Transaction) -> tuple[int, list[Shown]]:
            found, now = records.every(tx, session.user.organization_id), clock.now()
            return changes.latest(tx), [
                show(
                    each,
                    interval=settings.poll_interval,
                    history_words=settings.poll_history,
                    now=now,
                    served=pools.living(tx, 2 * settings.dead_after),
                )
                for each in found
            ]

        number, lines = await services.database.read(look)
        shown = {
            "lines": lines,
            "apps": {source: of_source(source).title for source in SOURCES},
            "manages": who(request).may(Permission.SERVICE_MANAGE),
        }
        return pages.render(request, "services/list.html", shown, live=Live(("service", "account"), number))

    async def switch(session: SignedIn, service_id: str, *, on: bool) -> Response:
        def work(tx: Transaction) -> None:
            found = records.by_id(tx, service_id, organization_id=session.user.organization_id)
            (service.resume if on else service.pause)(tx, found)

        await services.database.run(work)
        return RedirectResponse("/services", 303)

    @router.post("/services/{service_id}/pause", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def pause(session: SignedIn, service_id: str) -> Response:
        return await switch(session, service_id, on=False)

    @router.post("/services/{service_id}/resume", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def resume(session: SignedIn, service_id: str) -> Response:
        return await switch(session, service_id, on=True)

    return router
