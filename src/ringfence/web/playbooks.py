"""/playbooks: which playbooks there are, and one with its source and runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.drills import desk
from ringfence.listeners.people import Starter
from ringfence.playbooks import drafts, library
from ringfence.playbooks.drafts import Draft
from ringfence.playbooks.library import PlaybookState, StoredPlaybook, Version
from ringfence.runs import history
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import views, words
from ringfence.web.filters import Search
from ringfence.web.listing_csv import AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_RUNS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A playbook of the list: what is published of it, and the draft that is open, of which there is one at least."""

    published: StoredPlaybook | None
    draft: Draft | None

    @property
    def id(self) -> str:
        """The playbook's id."""
        return self.published.id if self.published is not None else self._draft.playbook_id

    @property
    def name(self) -> str:
        """What it is called."""
        return self.published.name if self.published is not None else self._draft.name

    @property
    def state(self) -> str:
        """How it stands; what was never published is a draft."""
        return self.published.state.value if self.published is not None else "draft"

    @property
    def _draft(self) -> Draft:
        assert self.draft is not None
        return self.draft


_COLUMNS: Columns = {
    "playbook": lambda line: line.name,
    "state": lambda line: line.state,
    "version": lambda line: line.published and line.published.version,
    "draft": lambda line: line.draft and line.draft.revision,
    "draft_saved_by": lambda line: line.draft and line.draft.saved_by,
    "published_by": lambda line: line.published and line.published.published_by,
    "published_at": lambda line: line.published and line.published.published_at,
    "created_at": lambda line: line.published and line.published.created_at,
    "id": lambda line: line.id,
}


def listed(rows: Iterable[StoredPlaybook], editing: Iterable[Draft], states: Sequence[str], text: str) -> list[Line]:
    """Return what the list shows, the published ones first; retired ones only where that state is asked for."""
    drafts_of = {draft.playbook_id: draft for draft in editing}
    lines = [Line(row, drafts_of.pop(row.id, None)) for row in rows]
    lines += [Line(None, draft) for draft in drafts_of.values()]
    wanted = frozenset(states) or frozenset(words.PLAYBOOKS) - {PlaybookState.RETIRED.value}
    return [line for line in lines if line.state in wanted and text.casefold() in line.name.casefold()]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    database, starter = services.database, Starter()

    @router.get("/playbooks")
    async def listing(
        request: Request,
        session: SignedIn,
        asker: Asker,
        state: Annotated[list[str] | None, Query()] = None,
        q: Search = "",
        as_csv: AsCsv = "",
    ) -> Response:
        view = await views.look(request, database, asker, "playbooks")
        if view.leads:
            return RedirectResponse(view.leads, 303)

        def look(tx: Transaction) -> tuple[int, list[StoredPlaybook], list[Draft]]:
            organization = session.user.organization_id
            return changes.latest(tx), library.every(tx, organization), drafts.opened(tx, organization)

        number, rows, editing = await database.read(look)
        states = [each for each in state or () if each in words.PLAYBOOKS]
        lines = listed(rows, editing, states, q.strip())
        if as_csv:
            return download(database, "playbooks", view.heads(_COLUMNS, as_csv), lambda tx, at: (lines, None))
        context = {
            "view": view,
            "lines": lines,
            "states": words.PLAYBOOKS,
            "chosen": states,
            "text": q.strip(),
            "filtered": bool(states or q.strip()),
            "hidden": 0 if states else sum(row.state is PlaybookState.RETIRED for row in rows),
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
        drills = row.state is PlaybookState.ACTIVE and desk.contains(source)
        context |= {"versions": versions, "editing": editing, "drills": drills}
        live = Live((f"playbook:{row.id}", "run"), number)
        return pages.render(request, "playbooks/one.html", context, live=live)

    return router
