"""/responses: what was done to hosts beside isolation, one with its proof, asking for one, and taking it back."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.accounts import records
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Subject
from ringfence.errors import Invalid, RingfenceError
from ringfence.responses import board, in_person
from ringfence.responses.kinds import TRAITS, Kind
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import views
from ringfence.web.filters import Cursor, Search, more_address
from ringfence.web.listing_csv import PIECE, AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_COLUMNS: Columns = {
    "kind": lambda row: row.kind.value,
    "about": lambda row: row.name,
    "machine_id": lambda row: row.machine_id,
    "what": lambda row: row.what,
    "state": lambda row: row.state.value,
    "detail": lambda row: row.detail,
    "reason": lambda row: row.reason,
    "requested_by": lambda row: row.requested_by,
    "account": lambda row: row.account_name,
    "requested_at": lambda row: row.requested_at,
    "accepted_at": lambda row: row.accepted_at,
    "done_at": lambda row: row.done_at,
    "ends_at": lambda row: row.ends_at,
    "undone_at": lambda row: row.undone_at,
    "id": lambda row: row.id,
}
_TIMERS = {"": None, "1": 3_600.0, "4": 4 * 3_600.0, "24": 24 * 3_600.0, "72": 72 * 3_600.0}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.RESPONSE_READ)])
    database = services.database

    @router.get("/responses")
    async def show(
        request: Request,
        session: SignedIn,
        asker: Asker,
        show: Literal["live", "finished", "all"] = "all",
        kind: Kind | Literal[""] = "",
        q: Search = "",
        cursor: Cursor = None,
        as_csv: AsCsv = "",
    ) -> Response:
        organization = session.user.organization_id
        view = await views.look(request, database, asker, "responses")
        if view.leads:
            return RedirectResponse(view.leads, 303)
        live = {"live": True, "finished": False, "all": None}[show]

        def fetch(tx: Transaction, at: str | None) -> tuple[tuple[board.Row, ...], str | None]:
            piece = board.listing(
                tx, organization, live=live, kind=kind or None, text=q.strip(), cursor=at, limit=PIECE
            )
            return piece.rows, piece.next

        if as_csv:
            return download(database, "responses", view.heads(_COLUMNS, as_csv), fetch)

        def look(tx: Transaction) -> tuple[int, board.Page, board.Counts]:
            page = board.listing(tx, organization, live=live, kind=kind or None, text=q.strip(), cursor=cursor)
            return changes.latest(tx), page, board.counts(tx, organization)

        number, page, counts = await database.read(look)
        context = {
            "view": view,
            "page": page,
            "counts": counts,
            "show": show,
            "kind": kind,
            "kinds": list(Kind),
            "text": q.strip(),
            "more": more_address(request, page.next),
            "later": cursor is not None,
        }
        return pages.render(request, "responses/board.html", context, live=Live(("response",), number))

    async def ask_form(
        request: Request, session: SignedIn, values: dict[str, str], problem: RingfenceError | None = None
    ) -> Response:
        accounts = await database.read(lambda tx: records.every(tx, session.user.organization_id))
        context = {"values": values, "accounts": accounts, "problem": problem, "kinds": list(Kind), "traits": TRAITS}
        return pages.render(request, "responses/new.html", context, status=problem.status if problem else 200)

    @router.get("/responses/new", dependencies=[needs(Permission.RESPONSE_ACT)])
    async def new(
        request: Request, session: SignedIn, target: str = "", kind: str = Kind.RESTRICT.value, account: str = ""
    ) -> Response:
        empty = dict.fromkeys(("sha1", "indicators", "reason"), "")
        values = {"target": target, "kind": kind, "account": account, "scan": "Quick", "undo_after": "24"} | empty
        return await ask_form(request, session, values)

    @router.post("/responses/new", dependencies=[needs(Permission.RESPONSE_ACT)])
    async def ask(
        request: Request,
        session: SignedIn,
        kind: Annotated[str, Form()] = "",
        target: Annotated[str, Form()] = "",
        account: Annotated[str, Form()] = "",
        sha1: Annotated[str, Form()] = "",
        scan: Annotated[str, Form()] = "",
        indicators: Annotated[str, Form()] = "",
        undo_after: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        values = {
            "kind": kind,
            "target": target.strip(),
            "account": account,
            "sha1": sha1.strip(),
            "scan": scan,
            "indicators": indicators,
            "undo_after": undo_after,
            "reason": reason.strip(),
        }
        try:
            named = in_person.kind_named(kind)
            if undo_after not in _TIMERS:
                raise Invalid("There is no such timer.", advice="Choose one from the list.")
            parameters = _parameters(named, values)
            made = await database.run(
                lambda tx: in_person.request(
                    tx,
                    organization_id=session.user.organization_id,
                    kind=named.value,
                    target="" if named is Kind.INDICATORS else values["target"],
                    parameters=parameters,
                    reason=values["reason"],
                    by=session.user.name,
                    account=account or None,
                    undo_after=_TIMERS[undo_after] if named is Kind.RESTRICT else None,
                    deadline=services.settings.decision_deadline,
                )
            )
        except RingfenceError as problem:
            return await ask_form(request, session, values, problem)
        return RedirectResponse(f"/responses/{made.id}", 303)

    async def detail(
        request: Request, session: SignedIn, response_id: str, problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, board.Detail, Approval | None]:
            found = board.get(tx, organization, response_id)
            return changes.latest(tx), found, approvals.latest_for(tx, Subject.RESPONSE, found.row.id)

        number, found, asked = await database.read(look)
        context = {"found": found, "row": found.row, "asked": asked, "problem": problem}
        live = Live((f"response:{response_id}", "approval"), number)
        status = problem.status if problem else 200
        return pages.render(request, "responses/one.html", context, live=live, status=status)

    @router.get("/responses/{response_id}")
    async def one(request: Request, session: SignedIn, response_id: str) -> Response:
        return await detail(request, session, response_id)

    @router.post("/responses/{response_id}/undo", dependencies=[needs(Permission.RESPONSE_UNDO)])
    async def undo(
        request: Request, session: SignedIn, response_id: str, reason: Annotated[str, Form()] = ""
    ) -> Response:
        user = session.user
        try:
            await database.run(
                lambda tx: in_person.undo(tx, user.organization_id, response_id, by=user.name, reason=reason)
            )
        except Invalid as problem:
            return await detail(request, session, response_id, problem)
        return RedirectResponse(f"/responses/{response_id}", 303)

    return router


def _parameters(kind: Kind, values: dict[str, str]) -> dict[str, Any]:
    match kind:
        case Kind.QUARANTINE:
            return {"sha1": values["sha1"]}
        case Kind.SCAN:
            return {"scan": values["scan"]}
        case Kind.INDICATORS:
            try:
                return {"indicators": json.loads(values["indicators"])}
            except ValueError as error:
                advice = "Write a list of objects, as the example shows."
                raise Invalid(f"The indicators cannot be read as JSON: {error}", advice=advice) from None
        case _:
            return {}
