"""GET /services/ID: whether a service sees everything; with `?since=`, how the two sources of its account differ."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.apps.shelf import of_source, shelf
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.compare import Comparison
from ringfence.listeners import service_events
from ringfence.listeners.service_events import ServiceEvent
from ringfence.organizations import service as organizations
from ringfence.security.access import needs, who
from ringfence.security.rbac import Permission
from ringfence.services import pools, records
from ringfence.services.shown import Shown, show
from ringfence.storage import Transaction, changes
from ringfence.storage.scope import everywhere
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_SHOWN: Final = 50


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.SERVICE_READ)])
    settings, known = services.settings, shelf(discover())

    @router.get("/services/{service_id}")
    async def one(
        request: Request, session: SignedIn, service_id: str, since: Annotated[str, Query(max_length=100)] = ""
    ) -> Response:
        def look(tx: Transaction) -> tuple[int, Shown, list[sweep_ledger.Sweep], list[ServiceEvent]]:
            found = records.by_id(tx, service_id, organization_id=session.user.organization_id)
            line = show(
                found,
                interval=settings.poll_interval,
                history_words=settings.poll_history,
                now=clock.now(),
                served=pools.living(tx, 2 * settings.dead_after),
            )
            brought = service_events.newest(tx, found, limit=_SHOWN)
            return changes.latest(tx), line, sweep_ledger.recent(tx, found.id), brought

        number, line, sweeps, brought = await services.database.read(look)
        service, guests = line.service, list[str]()
        if service.shared_with and who(request).may(Permission.ORGANIZATION_MANAGE):
            with everywhere():
                every = await services.database.read(organizations.every)
            guests = [each.name for each in every if each.id in service.shared_with]
        compared: Comparison | None = await services.compare(service, since) if since.strip() else None
        shown = {"service": service, "sweeps": sweeps, "compared": compared, "since": since or "24 hours ago"}
        shown |= {"events": brought, "kept": service_events.MOST, "days": service_events.KEPT.days}
        shown |= {"app": of_source(service.source, known), "line": line, "guests": guests}
        shown |= {"manages": who(request).may(Permission.SERVICE_MANAGE)}
        return pages.render(request, "services/one.html", shown, live=Live(("service",), number))

    return router
