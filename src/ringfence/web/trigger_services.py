"""GET /services: what is followed, how often, and how that goes; POST switches one on or off."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.apps.shelf import of_source, shelf
from ringfence.security.access import Asker, needs, who
from ringfence.security.rbac import Permission
from ringfence.services import pools, records, service
from ringfence.services.model import Service
from ringfence.services.shown import Shown, show
from ringfence.storage import Transaction, changes
from ringfence.web import views, words
from ringfence.web.filters import Search
from ringfence.web.listing_csv import AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_COLUMNS: Columns = {
    "service": lambda line: line.service.name,
    "state": lambda line: line.service.state.value,
    "reason": lambda line: line.service.state_reason,
    "enabled": lambda line: line.service.enabled,
    "account": lambda line: line.service.account,
    "source": lambda line: line.service.source,
    "pool": lambda line: line.service.pool,
    "interval": lambda line: line.interval,
    "history": lambda line: line.history,
    "polled_at": lambda line: line.service.polled_at,
    "next_poll_at": lambda line: line.service.next_poll_at,
    "lag_seconds": lambda line: line.service.lag,
    "hits": lambda line: line.service.hits,
    "misses": lambda line: line.service.misses,
    "errors": lambda line: line.service.errors,
    "created_at": lambda line: line.service.created_at,
    "id": lambda line: line.service.id,
}


def _fits(each: Service, states: Sequence[str], account: str, text: str) -> bool:
    said = f"{each.name} {each.account} {each.state_reason}".casefold()
    return (not states or each.state in states) and account in ("", each.account) and text.casefold() in said


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.SERVICE_READ)])
    settings, known = services.settings, shelf(discover())

    @router.get("/services")
    async def listing(
        request: Request,
        session: SignedIn,
        asker: Asker,
        state: Annotated[list[str] | None, Query()] = None,
        account: Annotated[str, Query(max_length=200)] = "",
        q: Search = "",
        as_csv: AsCsv = "",
    ) -> Response:
        view = await views.look(request, services.database, asker, "services")
        if view.leads:
            return RedirectResponse(view.leads, 303)

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
        states, text = [each for each in state or () if each in words.SERVICES], q.strip()
        kept = [line for line in lines if _fits(line.service, states, account, text)]
        if as_csv:
            return download(services.database, "services", view.heads(_COLUMNS, as_csv), lambda tx, at: (kept, None))
        shown = {
            "view": view,
            "lines": kept,
            "accounts": sorted(({line.service.account for line in lines} | {account}) - {""}),
            "account": account,
            "states": words.SERVICES,
            "chosen": states,
            "text": text,
            "filtered": bool(states or account or text),
            "apps": {line.service.source: of_source(line.service.source, known).title for line in lines},
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
