"""/tables: the lists that playbooks look things up in; one table with its entries, as a page and as CSV."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.errors import Invalid, RingfenceError
from ringfence.playbooks.durations import until
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes, editions
from ringfence.tables import entries, service, sheet
from ringfence.tables.model import Entry, Kind, NewEntry, Table
from ringfence.web import overtaken
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_SHOWN = 200
Text = Annotated[str, Form(max_length=1_000)]
KINDS = {
    Kind.TEXT: "Text: names, mail addresses, hashes",
    Kind.NETWORK: "Networks: an address is found in each that holds it",
    Kind.DOMAIN: "Domains: a name is found under those above it",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong with a form, and what was entered in it."""

    error: RingfenceError
    form: str
    values: dict[str, str] = field(default_factory=dict)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.TABLE_READ)])
    database = services.database

    async def overview(request: Request, session: SignedIn, problem: Problem | None = None) -> Response:
        organization = session.user.organization_id
        number, found = await database.read(lambda tx: (changes.latest(tx), service.every(tx, organization)))
        context: dict[str, Any] = {"tables": found, "kinds": KINDS, "problem": problem}
        context["values"] = problem.values if problem else {}
        status = problem.error.status if problem else 200
        return pages.render(request, "tables/list.html", context, live=Live(("table",), number), status=status)

    async def one(
        request: Request, session: SignedIn, table: str, *, q: str = "", problem: Problem | None = None
    ) -> Response:
        def look(tx: Transaction) -> tuple[int, Table, list[Entry], str]:
            found = service.by_name(tx, session.user.organization_id, table)
            kept = entries.listed(tx, found, text=q, limit=_SHOWN)
            return changes.latest(tx), found, kept, entries.edition(tx, found)

        number, found, shown, seen = await database.read(look)
        context = {"table": found, "entries": shown, "q": q, "now": clock.now(), "shown": _SHOWN, "problem": problem}
        # Whoever sends it again has been told that somebody else changed it.
        context["seen"] = seen
        context["values"] = problem.values if problem else {}
        status = problem.error.status if problem else 200
        return pages.render(request, "tables/one.html", context, live=Live(("table",), number), status=status)

    @router.get("/tables")
    async def listing(request: Request, session: SignedIn) -> Response:
        return await overview(request, session)

    @router.post("/tables", dependencies=[needs(Permission.TABLE_MANAGE)])
    async def make(
        request: Request, session: SignedIn, name: Text = "", kind: Text = "text", description: Text = ""
    ) -> Response:
        by = session.user
        try:
            made = await database.run(
                lambda tx: service.make(tx, by.organization_id, name, kind, description, by=by.name)
            )
        except RingfenceError as error:
            values = {"name": name, "kind": kind, "description": description}
            return await overview(request, session, Problem(error, "make", values))
        return RedirectResponse(f"/tables/{made.id}", 303)

    @router.get("/tables/{table}")
    async def show(
        request: Request, session: SignedIn, table: str, q: Annotated[str, Query(max_length=200)] = ""
    ) -> Response:
        return await one(request, session, table, q=q)

    @router.get("/tables/{table}/csv")
    async def export(session: SignedIn, table: str) -> Response:
        def look(tx: Transaction) -> tuple[Table, list[Entry]]:
            found = service.by_name(tx, session.user.organization_id, table)
            return found, entries.listed(tx, found, limit=entries.MOST_ENTRIES)

        found, kept = await database.read(look)
        headers = {"Content-Disposition": f'attachment; filename="table-{found.id}.csv"'}
        return Response(sheet.write(kept), media_type="text/csv; charset=utf-8", headers=headers)

    @router.post("/tables/{table}/put", dependencies=[needs(Permission.TABLE_WRITE)])
    async def put(
        request: Request,
        session: SignedIn,
        table: str,
        value: Text = "",
        note: Text = "",
        expires: Text = "",
    ) -> Response:
        def work(tx: Transaction) -> None:
            found = service.by_name(tx, session.user.organization_id, table)
            new = NewEntry(value, note, _moment(expires))
            entries.put(tx, found, [new], by=session.user.name)

        values = {"value": value, "note": note, "expires": expires}
        return await change(request, session, table, work, Problem(Invalid(""), "put", values))

    @router.post("/tables/{table}/take-out", dependencies=[needs(Permission.TABLE_WRITE)])
    async def take_out(request: Request, session: SignedIn, table: str, value: Text) -> Response:
        def work(tx: Transaction) -> None:
            found = service.by_name(tx, session.user.organization_id, table)
            entries.take_out(tx, found, [value], by=session.user.name)

        return await change(request, session, table, work, Problem(Invalid(""), "take-out"))

    @router.post("/tables/{table}/import", dependencies=[needs(Permission.TABLE_WRITE)])
    async def import_(
        request: Request,
        session: SignedIn,
        table: str,
        csv: Annotated[str, Form(max_length=900_000)] = "",
        replace: Annotated[bool, Form()] = False,
        seen: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        def work(tx: Transaction) -> None:
            new = sheet.read(csv.encode("utf-8", "replace"))
            found = service.by_name(tx, session.user.organization_id, table)
            if replace:
                found = service.locked(tx, session.user.organization_id, table)
                editions.demand(seen, entries.edition(tx, found))
                entries.empty(tx, found, by=session.user.name)
                found = service.by_name(tx, session.user.organization_id, table)
            entries.put(tx, found, new, by=session.user.name)

        return await change(
            request, session, table, work, Problem(Invalid(""), "import", {"csv": csv, "replace": str(replace)})
        )

    async def change(request: Request, session: SignedIn, table: str, work: Any, asked: Problem) -> Response:
        try:
            await database.run(work)
        except RingfenceError as error:
            return await one(request, session, table, problem=Problem(overtaken.told(error), asked.form, asked.values))
        return RedirectResponse(f"/tables/{table}", 303)

    @router.post("/tables/{table}/remove", dependencies=[needs(Permission.TABLE_MANAGE)])
    async def remove(session: SignedIn, table: str) -> Response:
        by = session.user
        await database.run(lambda tx: service.remove(tx, by.organization_id, table, by=by.name))
        return RedirectResponse("/tables", 303)

    return router


def _moment(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return until(text, clock.now())
    except ValueError:
        raise Invalid(f"{text[:40]!r} is not a moment to come.", advice="Write 7 d or 2026-12-31.") from None
