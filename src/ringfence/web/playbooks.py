"""/playbooks: which playbooks there are, and one with its source and runs."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ringfence.listeners.people import Starter
from ringfence.playbooks import library
from ringfence.playbooks.library import StoredPlaybook
from ringfence.runs import history
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_RUNS_SHOWN = 20


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database, starter = services.database, Starter()

    @router.get("/playbooks")
    async def listing(request: Request, session: SignedIn) -> Response:
        def look(tx: Transaction) -> tuple[int, list[StoredPlaybook]]:
            return changes.latest(tx), library.every(tx, session.user.organization_id)

        number, rows = await database.read(look)
        return pages.render(request, "playbooks/list.html", {"rows": rows}, live=Live(("playbook",), number))

    @router.get("/playbooks/{playbook_id}")
    async def one(request: Request, session: SignedIn, playbook_id: str) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, StoredPlaybook, str, tuple[history.Row, ...], bool]:
            number = changes.latest(tx)
            row = library.get(tx, organization, playbook_id)
            source = library.source_of(tx, organization, row.version_id)
            of_it = history.Filters(playbook=row.id)
            runs = history.listing(tx, organization, services.sender.vault, of_it, limit=_RUNS_SHOWN).rows
            startable = any(offer.playbook.id == row.id for offer in starter.offers(tx, organization, "nothing"))
            return number, row, source, runs, startable

        number, row, source, runs, startable = await database.read(look)
        context = {"row": row, "source": source, "runs": runs, "startable": startable}
        live = Live((f"playbook:{row.id}", "run"), number)
        return pages.render(request, "playbooks/one.html", context, live=live)

    return router
