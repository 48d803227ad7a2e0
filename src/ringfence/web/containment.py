"""/containment: the board, one containment with its proof, and the two things a person can ask for."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.alerts import queue
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Subject
from ringfence.containment import board, incident_hosts, isolations
from ringfence.containment.isolations import Isolation
from ringfence.containment.orphans import Orphan, orphans
from ringfence.errors import Invalid, NotFound, RingfenceError
from ringfence.incidents.model import Incident
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.views import columns as chosen
from ringfence.views.lists import LISTS
from ringfence.web import views
from ringfence.web.approvals import shown
from ringfence.web.filters import Cursor, Search, more_address
from ringfence.web.listing_csv import PIECE, AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn
from ringfence.web.stages import stages

# So many hosts that others isolated stand above ours; the rest is one click away.
_OTHERS = 10
_COLUMNS: Columns = {
    "host": lambda row: row.name,
    "machine_id": lambda row: row.machine_id,
    "state": lambda row: row.state.value,
    "desired": lambda row: row.desired.value,
    "observed": lambda row: row.observed.value,
    "isolation_type": lambda row: row.isolation_type,
    "reason": lambda row: row.reason,
    "detail": lambda row: row.detail,
    "requested_by": lambda row: row.requested_by,
    "account": lambda row: row.account_name,
    "requested_at": lambda row: row.requested_at,
    "accepted_at": lambda row: row.accepted_at,
    "confirmed_at": lambda row: row.confirmed_at,
    "auto_release_at": lambda row: row.auto_release_at,
    "release_requested_at": lambda row: row.release_requested_at,
    "released_at": lambda row: row.released_at,
    "id": lambda row: row.id,
}
_TABLES = {"others": "isolations", "attention": "isolations", "orphans": "orphans"}
_FOREIGN: Columns = {
    "host": lambda row: row.name,
    "machine_id": lambda row: row.machine_id,
    "state": lambda row: row.state.value,
    "by": lambda row: row.requestor,
    "source": lambda row: row.request_source,
    "comment": lambda row: row.comment,
    "drift": lambda row: row.drift.value,
    "account": lambda row: row.account_name,
    "since": lambda row: row.since,
    "seen_at": lambda row: row.seen_at,
}
_TIMERS = {"": None, "1": 3_600.0, "4": 4 * 3_600.0, "24": 24 * 3_600.0, "72": 72 * 3_600.0}


def _host_name(tx: Transaction, organization_id: str, values: Mapping[str, str]) -> str:
    """Return what the alert calls the host whose id is asked for: nobody compares forty letters by eye. Empty if it does not."""
    try:
        about = queue.get(tx, organization_id, values["alert"]) if values["alert"] else None
    except NotFound:
        return ""
    return about.machine_name or "" if about is not None and about.machine_id == values["target"] else ""


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.CONTAINMENT_READ)])
    database = services.database

    @router.get("/containment")
    async def show(
        request: Request,
        session: SignedIn,
        asker: Asker,
        show: Literal["live", "finished", "others", "attention", "orphans", "all"] = "all",
        q: Search = "",
        cursor: Cursor = None,
        as_csv: AsCsv = "",
    ) -> Response:
        organization = session.user.organization_id
        view = await views.look(request, database, asker, "containments", _TABLES.get(show))
        if view.leads:
            return RedirectResponse(view.leads, 303)
        text = q.strip()
        live = {"live": True, "finished": False}.get(show)

        def fetch(tx: Transaction, at: str | None) -> tuple[Sequence[Any], str | None]:
            if show == "orphans":
                return [
                    each.isolation
                    for each in orphans(tx, organization)
                    if text.casefold() in each.isolation.name.casefold()
                ], None
            if show in ("attention", "others"):
                attention, foreign = (True, None) if show == "attention" else (None, True)
                others = isolations.listing(
                    tx, organization, attention=attention, foreign=foreign, text=text, cursor=at, limit=PIECE
                )
                return others.rows, others.next
            page = board.listing(tx, organization, live=live, text=text, cursor=at, limit=PIECE)
            return page.rows, page.next

        if as_csv:
            theirs = show in ("orphans", "attention", "others")
            columns = view.heads(_FOREIGN if theirs else _COLUMNS, as_csv)
            return download(database, "containment", columns, fetch)

        def look(tx: Transaction) -> tuple[int, dict[str, Any]]:
            number = changes.latest(tx)
            page, others, lost = board.Page((), None), isolations.Page((), None), list[Orphan]()
            if show == "orphans":
                lost = [each for each in orphans(tx, organization) if text.casefold() in each.isolation.name.casefold()]
            elif show == "attention":
                others = isolations.listing(tx, organization, attention=True, text=text, cursor=cursor)
            elif show == "others":
                others = isolations.listing(tx, organization, foreign=True, text=text, cursor=cursor)
            else:
                page = board.listing(tx, organization, live=live, text=text, cursor=cursor)
                if show != "finished" and cursor is None:
                    others = isolations.listing(tx, organization, foreign=True, text=text, limit=_OTHERS)
            machines = [row.machine_id for row in page.rows if row.live and row.machine_id]
            return number, {
                "page": page,
                "others": others,
                "others_choice": chosen.shown(tx, asker, LISTS["isolations"]),
                "orphans": lost,
                "counts": board.counts(tx, organization),
                "there": isolations.counts(tx, organization),
                "seen": isolations.of_machines(tx, organization, machines),
                "readings": isolations.readings(tx, organization),
                "more": more_address(request, others.next if show in ("others", "attention") else page.next),
            }

        number, found = await database.read(look)
        context = found | {"view": view, "show": show, "text": text, "later": cursor is not None}
        return pages.render(request, "containment/board.html", context, live=Live(("containment", "isolation"), number))

    async def ask_form(
        request: Request, session: SignedIn, values: dict[str, str], problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[list[Account], str]:
            return records.every(tx, organization), _host_name(tx, organization, values)

        accounts, host = await database.read(look)
        context = {
            "values": values,
            "host": host,
            "accounts": accounts,
            "problem": problem,
            "problems": problem.problems if isinstance(problem, Invalid) else (),
        }
        return pages.render(request, "containment/new.html", context, status=problem.status if problem else 200)

    @router.get("/containment/new", dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def new(
        request: Request, session: SignedIn, target: str = "", account: str = "", alert: str = ""
    ) -> Response:
        values = {
            "target": target,
            "account": account,
            "alert": alert,
            "force": "",
            "isolation_type": "Full",
            "auto_release": "24",
            "reason": "",
        }
        return await ask_form(request, session, values)

    @router.post("/containment/new", dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def contain(
        request: Request,
        session: SignedIn,
        target: Annotated[str, Form()] = "",
        account: Annotated[str, Form()] = "",
        alert: Annotated[str, Form()] = "",
        force: Annotated[str, Form()] = "",
        isolation_type: Annotated[str, Form()] = "Full",
        auto_release: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        values = {
            "target": target.strip(),
            "account": account,
            "alert": alert,
            "force": force,
            "isolation_type": isolation_type,
            "auto_release": auto_release,
            "reason": reason.strip(),
        }
        try:
            if auto_release not in _TIMERS:
                raise Invalid("There is no such timer.", advice="Choose one from the list.")
            made = await services.contain(
                organization_id=session.user.organization_id,
                target=values["target"],
                isolation_type=isolation_type,
                reason=values["reason"],
                account=account or None,
                by=session.user.name,
                auto_release=_TIMERS[auto_release],
                force=force == "yes",
                alert=alert or None,
            )
        except RingfenceError as problem:
            return await ask_form(request, session, values, problem)
        return RedirectResponse(f"/containment/{made}", 303)

    async def detail(
        request: Request, session: SignedIn, containment_id: str, problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, board.Detail, Approval | None, list[Incident], Isolation | None]:
            number, found = changes.latest(tx), board.get(tx, organization, containment_id)
            row = found.row
            incidents = incident_hosts.incidents_of(tx, organization, row.id, row.alert_id)
            seen = isolations.of_machines(tx, organization, [row.machine_id]) if row.machine_id else {}
            asked = approvals.latest_for(tx, Subject.CONTAINMENT, row.id)
            return number, found, asked, incidents, seen.get(row.machine_id or "")

        number, found, asked, incidents, host = await database.read(look)
        context = {
            "found": found,
            "row": found.row,
            "stages": stages(found.row),
            "problem": problem,
            "incidents": incidents,
            "host": host,
        }
        context["asked"] = shown(asked, session.user.name) if asked is not None else None
        # What Defender did with the host is read beside the containment, and may change while this does not.
        machine = [f"isolation:{found.row.machine_id}"] if found.row.machine_id else []
        live = Live((f"containment:{containment_id}", *machine), number)
        return pages.render(
            request, "containment/one.html", context, live=live, status=problem.status if problem else 200
        )

    @router.get("/containment/{containment_id}")
    async def one(request: Request, session: SignedIn, containment_id: str) -> Response:
        return await detail(request, session, containment_id)

    @router.post("/containment/{containment_id}/release", dependencies=[needs(Permission.CONTAINMENT_RELEASE)])
    async def release(
        request: Request, session: SignedIn, containment_id: str, reason: Annotated[str, Form()] = ""
    ) -> Response:
        # Looked for in this organization first: the action itself knows no organizations.
        await database.read(lambda tx: board.get(tx, session.user.organization_id, containment_id))
        try:
            if not reason.strip():
                raise Invalid("A release needs a reason.", advice="Say in a few words why the host may be free again.")
            await services.release(containment_id=containment_id, reason=reason.strip(), by=session.user.name)
        except RingfenceError as problem:
            return await detail(request, session, containment_id, problem)
        return RedirectResponse(f"/containment/{containment_id}", 303)

    return router
