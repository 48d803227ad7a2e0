"""/executions: the runs of playbooks, and one run live."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence.containment import board
from ringfence.runs import attachments, history
from ringfence.storage import Transaction, changes
from ringfence.web import words
from ringfence.web.filters import Cursor, Search, more_address
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database = services.database

    @router.get("/executions")
    async def listing(
        request: Request,
        session: SignedIn,
        status: Annotated[list[str] | None, Query()] = None,
        q: Search = "",
        cursor: Cursor = None,
    ) -> Response:
        wanted = tuple(filter(None, status or ()))
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, history.Page, history.Counts]:
            page = history.listing(tx, organization, status=wanted, text=q.strip(), cursor=cursor)
            return changes.latest(tx), page, history.counts(tx, organization)

        number, page, counts = await database.read(look)
        context = {
            "page": page,
            "counts": counts,
            "wanted": wanted,
            "text": q.strip(),
            "statuses": words.RUNS,
            "more": more_address(request, page.next),
            "later": cursor is not None,
        }
        return pages.render(request, "executions/list.html", context, live=Live(("run",), number))

    @router.get("/executions/{run_id}")
    async def one(request: Request, session: SignedIn, run_id: str) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, dict[str, object]]:
            number = changes.latest(tx)
            run = history.get(tx, organization, run_id)
            return number, {
                "run": run,
                "row": run.row,
                "containments": board.listing(tx, organization, run_id=run_id).rows,
                "files": attachments.listing(tx, organization, run_id),
            }

        number, context = await database.read(look)
        live = Live((f"run:{run_id}", "containment"), number)
        return pages.render(request, "executions/one.html", context, live=live)

    return router
