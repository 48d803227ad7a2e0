"""/executions: the runs of playbooks, and one run live."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.containment import board
from ringfence.errors import Invalid
from ringfence.playbooks import library
from ringfence.runs import attachments, detail, history, nesting, picture
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.services.history import start
from ringfence.storage import Transaction, changes
from ringfence.web import views, words
from ringfence.web.filters import Cursor, Search, more_address
from ringfence.web.listing_csv import PIECE, AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_LONGEST = 200
Chosen = Annotated[str, Query(max_length=_LONGEST)]
_COLUMNS: Columns = {
    "playbook": lambda row: row.playbook_name,
    "version": lambda row: row.version,
    "status": lambda row: row.status,
    "trigger": lambda row: row.trigger_kind,
    "alert": lambda row: row.alert_title,
    "machine_name": lambda row: row.machine_name,
    "machine_id": lambda row: row.machine_id,
    "requested_at": lambda row: row.requested_at,
    "started_at": lambda row: row.started_at,
    "finished_at": lambda row: row.finished_at,
    "run_as": lambda row: row.run_as,
    "error": lambda row: row.error,
    "id": lambda row: row.id,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the filter form holds, as it was written; `faults` says by field what could not be understood."""

    filters: history.Filters
    since: str = ""
    until: str = ""
    faults: dict[str, str] = field(default_factory=dict)


def read(
    *,
    status: list[str],
    trigger: list[str],
    playbook: str,
    version: str,
    machine: str,
    since: str,
    until: str,
    text: str,
    now: datetime,
) -> Asked:
    """Read the filter form; a moment that cannot be understood narrows nothing, and it is said."""
    faults: dict[str, str] = {}

    def moment(name: str, words_: str) -> datetime | None:
        if not words_.strip():
            return None
        try:
            return start(words_, now)
        except Invalid as error:
            faults[name] = error.message
            return None

    number = version.strip()
    major, dot, minor = number.partition(".")
    if number and not (dot and major.isdecimal() and minor.isdecimal()):
        faults["version"] = "Write a version as major.minor, e.g. 1.3."
        number = ""
    filters = history.Filters(
        status=tuple(each for each in status if each in words.RUNS),
        playbook=playbook or None,
        version=number or None,
        machine=machine.strip() or None,
        triggers=tuple(filter(None, trigger)),
        since=moment("since", since),
        until=moment("until", until),
        text=text.strip(),
    )
    return Asked(filters, since, until, faults)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.RUN_READ)])
    database, vault = services.database, services.sender.vault

    @router.get("/executions")
    async def listing(
        request: Request,
        session: SignedIn,
        asker: Asker,
        status: Annotated[list[str] | None, Query()] = None,
        trigger: Annotated[list[str] | None, Query()] = None,
        playbook: Chosen = "",
        version: Chosen = "",
        machine: Chosen = "",
        since: Chosen = "",
        until: Chosen = "",
        q: Search = "",
        cursor: Cursor = None,
        as_csv: AsCsv = "",
    ) -> Response:
        organization = session.user.organization_id
        view = await views.look(request, database, asker, "executions")
        if view.leads:
            return RedirectResponse(view.leads, 303)
        # Reading a moment in unusual words may load a dictionary.
        asked = await run_in_threadpool(
            read,
            status=status or [],
            trigger=trigger or [],
            playbook=playbook,
            version=version,
            machine=machine,
            since=since,
            until=until,
            text=q,
            now=clock.now(),
        )

        def fetch(tx: Transaction, at: str | None) -> tuple[tuple[history.Row, ...], str | None]:
            piece = history.listing(tx, organization, vault, asked.filters, limit=PIECE, cursor=at)
            return piece.rows, piece.next

        if as_csv:
            return download(database, "executions", view.heads(_COLUMNS, as_csv), fetch)

        def look(tx: Transaction) -> tuple[int, history.Page, history.Counts, list[library.StoredPlaybook]]:
            page = history.listing(tx, organization, vault, asked.filters, cursor=cursor)
            return changes.latest(tx), page, history.counts(tx, organization), list(library.every(tx, organization))

        number, page, counts, playbooks = await database.read(look)
        context = {
            "view": view,
            "page": page,
            "counts": counts,
            "asked": asked,
            "filters": asked.filters,
            "playbooks": playbooks,
            "statuses": words.RUNS,
            "triggers": words.TRIGGERS,
            "more": more_address(request, page.next),
            "later": cursor is not None,
            # Who sends the form twice begins nothing twice.
            "key": clock.new_id(),
        }
        return pages.render(request, "executions/list.html", context, live=Live(("run",), number))

    @router.get("/executions/{run_id}")
    async def one(request: Request, session: SignedIn, run_id: str) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, dict[str, object]]:
            number = changes.latest(tx)
            run = detail.get(tx, organization, run_id, vault)
            return number, {
                "run": run,
                "row": run.row,
                "steps": nesting.tree(run.steps),
                "causes": [cause.first for cause in nesting.causes(run.steps)],
                "failed_steps": [each.step for each in run.steps if each.status == "failed" and each.iteration == 0],
                "picture": picture.draw(run.source, run.steps),
                "containments": board.listing(tx, organization, run_id=run_id).rows,
                "files": attachments.listing(tx, organization, run_id),
            }

        number, context = await database.read(look)
        live = Live((f"run:{run_id}", "containment"), number)
        return pages.render(request, "executions/one.html", context, live=live)

    return router
