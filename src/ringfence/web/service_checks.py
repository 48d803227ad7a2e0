"""GET /services/ID: whether a service sees everything; with `?since=`, how the two sources of its account differ."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence.actions.catalogue import discover
from ringfence.apps.shelf import of_source, shelf
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.compare import Comparison
from ringfence.security.access import needs, who
from ringfence.security.rbac import Permission
from ringfence.services import pools, records
from ringfence.services.model import Service
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.SERVICE_READ)])
    known = shelf(discover())

    @router.get("/services/{service_id}")
    async def one(
        request: Request, session: SignedIn, service_id: str, since: Annotated[str, Query(max_length=100)] = ""
    ) -> Response:
        def look(tx: Transaction) -> tuple[int, Service, list[sweep_ledger.Sweep], str]:
            found = records.by_id(tx, service_id, organization_id=session.user.organization_id)
            alone = pools.unserved(found, pools.living(tx, 2 * services.settings.dead_after))
            return changes.latest(tx), found, sweep_ledger.recent(tx, found.id), alone

        number, service, sweeps, unserved = await services.database.read(look)
        compared: Comparison | None = await services.compare(service, since) if since.strip() else None
        shown = {"service": service, "sweeps": sweeps, "compared": compared, "since": since or "24 hours ago"}
        shown |= {"app": of_source(service.source, known), "unserved": unserved}
        shown |= {"manages": who(request).may(Permission.SERVICE_MANAGE)}
        return pages.render(request, "services/one.html", shown, live=Live(("service",), number))

    return router
