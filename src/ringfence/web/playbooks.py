"""/playbooks: which playbooks there are, and one with its source and runs."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.listeners.people import Starter
from ringfence.playbooks import drafts, library
from ringfence.playbooks.drafts import Draft
from ringfence.playbooks.library import PlaybookState, StoredPlaybook, Version
from ringfence.runs import history
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_RUNS_SHOWN = 20


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    database, starter = services.database, Starter()

    @router.get("/playbooks")
    async def listing(request: Request, session: SignedIn, retired: bool = False) -> Response:
        def look(tx: Transaction) -> tuple[int, list[StoredPlaybook], list[Draft]]:
            organization = session.user.organization_id
            return changes.latest(tx), library.every(tx, organization), drafts.opened(tx, organization)

        number, rows, editing = await database.read(look)
        published = {row.id for row in rows}
        context = {
            "rows": [row for row in rows if retired or row.state is not PlaybookState.RETIRED],
            "editing": {draft.playbook_id: draft for draft in editing},
            "new": [draft for draft in editing if draft.playbook_id not in published],
            "retired": retired,
            "hidden": sum(row.state is PlaybookState.RETIRED for row in rows),
        }
        return pages.render(request, "playbooks/list.html", context, live=Live(("playbook",), number))

    @router.get("/playbooks/{playbook_id}")
    async def one(request: Request, session: SignedIn, playbook_id: str) -> Response:
        organization = session.user.organization_id
        shelf = await database.read(lambda tx: drafts.find(tx, organization, playbook_id))
        if shelf.version_id is None:
            return RedirectResponse(f"/playbooks/{shelf.id}/draft", 303)

        def beside(tx: Transaction) -> tuple[list[Version], Draft | None]:
            editing = drafts.current(tx, organization, shelf.id) if shelf.revision is not None else None
            return library.versions(tx, organization, shelf.id), editing

        def look(tx: Transaction) -> tuple[int, StoredPlaybook, str, tuple[history.Row, ...], bool]:
            number = changes.latest(tx)
            row = library.get(tx, organization, playbook_id)
            source = library.source_of(tx, organization, row.version_id)
            of_it = history.Filters(playbook=row.id)
            runs = history.listing(tx, organization, services.sender.vault, of_it, limit=_RUNS_SHOWN).rows
            startable = any(offer.playbook.id == row.id for offer in starter.offers(tx, organization, "nothing"))
            return number, row, source, runs, startable

        number, row, source, runs, startable = await database.read(look)
        versions, editing = await database.read(beside)
        context = {"row": row, "source": source, "runs": runs, "startable": startable}
        context |= {"versions": versions, "editing": editing}
        live = Live((f"playbook:{row.id}", "run"), number)
        return pages.render(request, "playbooks/one.html", context, live=live)

    return router
