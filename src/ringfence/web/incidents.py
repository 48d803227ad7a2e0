"""/incidents: the list, one incident with all that belongs to it, and what a person can do with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.containment import incident_hosts
from ringfence.containment.incident_view import View, view
from ringfence.errors import Invalid, RingfenceError
from ringfence.incidents import asking, queue, service, work
from ringfence.incidents.model import GIVEN, Author, Severity, number_of, resolution
from ringfence.playbooks.durations import until
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction, changes
from ringfence.web import views, words
from ringfence.web.filters import Cursor, Search, more_address
from ringfence.web.listing_csv import PIECE, AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_TIMERS = {"": None, "1": 3_600.0, "4": 4 * 3_600.0, "24": 24 * 3_600.0, "72": 72 * 3_600.0}
_SHOWN = {"unresolved": queue.UNRESOLVED, "resolved": ("resolved",), "all": ()}
_COLUMNS: Columns = {
    "number": lambda row: row.incident.number,
    "title": lambda row: row.incident.title,
    "status": lambda row: row.incident.status.value,
    "severity": lambda row: row.incident.severity,
    "owner": lambda row: row.incident.owner,
    "resolution": lambda row: row.incident.resolution.value if row.incident.resolution else None,
    "reason": lambda row: row.incident.reason,
    "alerts": lambda row: row.alerts,
    "tasks": lambda row: row.tasks,
    "undone": lambda row: row.undone,
    "created_at": lambda row: row.incident.created_at,
    "created_by": lambda row: row.incident.created_by,
    "updated_at": lambda row: row.incident.updated_at,
    "resolved_at": lambda row: row.incident.resolved_at,
}
Text = Annotated[str, Form()]
Change = Callable[[Transaction, str, Author], object]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.INCIDENT_READ)])
    database = services.database

    @router.get("/incidents")
    async def listing(
        request: Request,
        session: SignedIn,
        asker: Asker,
        show: str = "unresolved",
        severity: Annotated[list[str] | None, Query()] = None,
        owner: Annotated[str, Query(max_length=200)] = "",
        q: Search = "",
        cursor: Cursor = None,
        as_csv: AsCsv = "",
    ) -> Response:
        organization = session.user.organization_id
        view = await views.look(request, database, asker, "incidents")
        if view.leads:
            return RedirectResponse(view.leads, 303)
        shown = show if show in _SHOWN else "unresolved"
        severities = [each for each in severity or () if each in words.SEVERITIES]
        wanted = queue.Filters(status=_SHOWN[shown], severity=severities, owner=owner, text=q)

        def fetch(tx: Transaction, at: str | None) -> tuple[tuple[queue.Row, ...], str | None]:
            piece = queue.page(tx, organization, wanted, limit=PIECE, cursor=at)
            return piece.rows, piece.next

        if as_csv:
            return download(database, "incidents", view.heads(_COLUMNS, as_csv), fetch)

        def look(tx: Transaction) -> dict[str, Any]:
            page = queue.page(tx, organization, wanted, cursor=cursor)
            return {
                "number": changes.latest(tx),
                "page": page,
                "counts": queue.counts(tx, organization),
                "owners": queue.owners(tx, organization),
                "isolated": incident_hosts.isolated(tx, [row.incident.id for row in page.rows]),
            }

        found = await database.read(look)
        context = found | {
            "view": view,
            "show": shown,
            "wanted": wanted,
            "owner": owner,
            "nobody": queue.NOBODY,
            "severities": {each: words.SEVERITIES[each] for each in ("High", "Medium", "Low", "Informational")},
            "more": more_address(request, found["page"].next),
            "later": cursor is not None,
            "resolutions": {each.value: words.sign("resolution", each.value) for each in GIVEN},
            "filtered": bool(q.strip() or severities or owner or shown != "unresolved"),
        }
        return pages.render(
            request, "incidents/list.html", context, live=Live(("incident", "containment"), found["number"])
        )

    async def detail(
        request: Request, session: Session, number: int, problem: RingfenceError | None = None, **typed: str
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, View]:
            return changes.latest(tx), view(tx, organization, number)

        newest, found = await database.read(look)
        context = {
            "found": found,
            "row": found.incident,
            "problem": problem,
            "typed": typed,
            "now": clock.now(),
            "resolutions": {each.value: words.sign("resolution", each.value) for each in GIVEN},
            "severities": [each.value for each in reversed(Severity)],
            "me": session.user.name,
        }
        live = Live((f"incident:{found.incident.id}", "containment"), newest)
        status = problem.status if problem else 200
        return pages.render(request, "incidents/one.html", context, live=live, status=status)

    async def change(request: Request, session: Session, number: int, made: Change, **typed: str) -> Response:
        """Make a change and show the incident; what is refused is shown with it, and nothing that was typed is lost."""
        organization, author = session.user.organization_id, Author(session.user.name)
        try:
            await database.run(lambda tx: made(tx, organization, author))
        except RingfenceError as problem:
            return await detail(request, session, number, problem, **typed)
        return RedirectResponse(f"/incidents/{number}", 303)

    @router.get("/incidents/{number}")
    async def one(request: Request, session: SignedIn, number: int) -> Response:
        return await detail(request, session, number)

    @router.post("/alerts/{alert_id}/promote", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def promote(session: SignedIn, alert_id: str, incident: Text = "") -> Response:
        number = number_of(incident) if incident.strip() else None
        author = Author(session.user.name)

        def made(tx: Transaction) -> service.Promoted:
            return service.promote(tx, session.user.organization_id, [alert_id], author, number=number)

        return RedirectResponse(f"/incidents/{(await database.run(made)).incident.number}", 303)

    @router.post("/incidents/{number}/alerts", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def add(
        request: Request, session: SignedIn, number: int, alert: Annotated[list[str] | None, Form()] = None
    ) -> Response:
        wanted = alert or []
        return await change(
            request, session, number, lambda tx, who, by: service.promote(tx, who, wanted, by, number=number)
        )

    @router.post("/incidents/{number}/remove", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def remove(request: Request, session: SignedIn, number: int, alert: Text = "") -> Response:
        return await change(request, session, number, lambda tx, who, by: service.remove(tx, who, number, alert, by))

    @router.post("/incidents/{number}/note", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def note(request: Request, session: SignedIn, number: int, text: Text = "") -> Response:
        return await change(
            request, session, number, lambda tx, who, by: work.note(tx, who, number, text, by), note=text
        )

    @router.post("/incidents/{number}/tasks", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def add_task(
        request: Request, session: SignedIn, number: int, title: Text = "", assignee: Text = "", due: Text = ""
    ) -> Response:
        return await change(
            request,
            session,
            number,
            lambda tx, who, by: work.add_task(tx, who, number, title, by, assignee=assignee, due_at=_due(due)),
        )

    @router.post("/incidents/{number}/tasks/{task}", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def do_task(request: Request, session: SignedIn, number: int, task: int, done: Text = "yes") -> Response:
        return await change(
            request,
            session,
            number,
            lambda tx, who, by: work.change_task(tx, who, number, task, by, done=done == "yes"),
        )

    @router.post("/incidents/{number}/tasks/{task}/fill", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def fill(request: Request, session: SignedIn, number: int, task: int) -> Response:
        sent = (await request.form()).items()
        given = {name.removeprefix("field."): str(value) for name, value in sent if name.startswith("field.")}
        typed = {f"{task}.{name}": value for name, value in given.items()}
        return await change(
            request, session, number, lambda tx, who, by: asking.fill(tx, who, number, task, given, by), **typed
        )

    @router.post("/incidents/{number}/tasks/{task}/cancel", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def cancel_task(request: Request, session: SignedIn, number: int, task: int) -> Response:
        return await change(request, session, number, lambda tx, who, by: asking.cancel(tx, who, number, task, by))

    @router.post("/incidents/{number}/update", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def update(
        request: Request,
        session: SignedIn,
        number: int,
        title: Annotated[str | None, Form()] = None,
        severity: Annotated[str | None, Form()] = None,
        owner: Annotated[str | None, Form()] = None,
        status: Annotated[str | None, Form()] = None,
    ) -> Response:
        given = {"title": title, "severity": severity, "owner": owner, "status": status}
        return await change(request, session, number, lambda tx, who, by: service.update(tx, who, number, by, **given))

    @router.post("/incidents/{number}/close", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def close(
        request: Request,
        session: SignedIn,
        number: int,
        ended: Annotated[str, Form(alias="resolution")] = "",
        reason: Text = "",
        hosts: Text = "",
    ) -> Response:
        what: incident_hosts.What | None = "release" if hosts == "release" else "keep" if hosts == "keep" else None

        def made(tx: Transaction, who: str, by: Author) -> object:
            return incident_hosts.close(tx, who, number, by, resolution=resolution(ended), reason=reason, hosts=what)

        return await change(request, session, number, made, close=reason)

    @router.post("/incidents/{number}/reopen", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def reopen(request: Request, session: SignedIn, number: int, reason: Text = "") -> Response:
        return await change(
            request, session, number, lambda tx, who, by: service.reopen(tx, who, number, by, reason=reason)
        )

    @router.post("/incidents/{number}/merge", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def merge(request: Request, session: SignedIn, number: int, into: Text = "") -> Response:
        organization, author = session.user.organization_id, Author(session.user.name)
        try:
            other = number_of(into)
            await database.run(lambda tx: incident_hosts.merge(tx, organization, number, other, author))
        except RingfenceError as problem:
            return await detail(request, session, number, problem)
        return RedirectResponse(f"/incidents/{other}", 303)

    @router.post("/incidents/{number}/contain", dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def contain(
        request: Request,
        session: SignedIn,
        number: int,
        machine: Text = "",
        reason: Text = "",
        auto_release: Text = "",
    ) -> Response:
        def made(tx: Transaction, who: str, by: Author) -> object:
            if auto_release not in _TIMERS:
                raise Invalid("There is no such timer.", advice="Choose one from the list.")
            return incident_hosts.contain(
                tx,
                who,
                number,
                machine,
                by,
                reason=reason,
                auto_release_after=_TIMERS[auto_release],
                deadline=services.settings.decision_deadline,
            )

        return await change(request, session, number, made, hold=reason)

    @router.post("/incidents/{number}/release", dependencies=[needs(Permission.CONTAINMENT_RELEASE)])
    async def release(
        request: Request, session: SignedIn, number: int, machine: Text = "", reason: Text = ""
    ) -> Response:
        return await change(
            request,
            session,
            number,
            lambda tx, who, by: incident_hosts.let_go(tx, who, number, by, reason=reason, target=machine or None),
            release=reason,
        )

    return router


def _due(text: str) -> datetime | None:
    """Read when a task is due: a length of time from now, or what a browser's field for dates gives, in UTC."""
    plain = text.strip()
    if not plain:
        return None
    try:
        return until(plain, clock.now())
    except (ValueError, OverflowError):
        raise Invalid(
            f"{plain[:60]!r} is no time by which a task is due.", advice="Write e.g. 4 h, 2 d, or 2026-03-02T12:00."
        ) from None
