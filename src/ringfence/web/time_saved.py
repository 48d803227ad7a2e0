"""/time-saved: what playbooks spared people, and what an hour costs."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid
from ringfence.runs import saved
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_USUAL = 30
_SPANS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year", "0": "Ever"}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.RUN_READ)])
    database = services.database

    async def page(request: Request, organization: str, days: int, fault: Invalid | None = None) -> Response:
        def look(tx: Transaction) -> tuple[int, saved.Saved]:
            return changes.latest(tx), saved.summed(tx, organization, since=saved.lately(days or None))

        number, found = await database.read(look)
        context = {"found": found, "days": str(days), "spans": _SPANS, "fault": fault}
        return pages.render(
            request, "executions/saved.html", context, live=Live(("run",), number), status=400 if fault else 200
        )

    @router.get("/time-saved")
    async def show(
        request: Request, session: SignedIn, days: Annotated[int, Query(ge=0, le=36_500)] = _USUAL
    ) -> Response:
        return await page(request, session.user.organization_id, days)

    @router.post("/time-saved/rate", dependencies=[needs(Permission.ORGANIZATION_CHANGE)])
    async def rate(
        request: Request,
        session: SignedIn,
        rate: Annotated[str, Form(max_length=20)] = "",
        currency: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        organization = session.user.organization_id
        try:
            amount = float(rate.strip().replace(",", ".") or 0)
        except ValueError:
            amount = -1.0
        try:
            await database.run(lambda tx: saved.set_rate(tx, organization, amount, currency, by=session.user.name))
        except Invalid as error:
            return await page(request, organization, _USUAL, error)
        return RedirectResponse("/time-saved", 303)

    return router
