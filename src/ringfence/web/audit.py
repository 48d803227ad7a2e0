"""GET /audit: who did what; /audit/verify: whether the record is whole; /audit/export: the record as a file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from ringfence import clock
from ringfence.audit import export, heads, log
from ringfence.audit.heads import Signer
from ringfence.audit.verification import Report, verify
from ringfence.errors import Invalid
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Actor, Permission
from ringfence.web import views
from ringfence.web.filters import Search
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_EFFORT = 10_000
"""So many entries are looked at for a text before the page says how far it came."""
_PAGE = 100


def download(content: AsyncIterator[str], written: export.Form) -> Response:
    """Answer with an export as a file to be kept."""
    kind = "text/csv; charset=utf-8" if written is export.Form.CSV else "application/x-ndjson"
    named = f'attachment; filename="audit-{clock.now():%Y-%m-%d}.{written}"'
    return StreamingResponse(content, media_type=kind, headers={"Content-Disposition": named})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the form of filters says; days are in UTC, and the last one is included."""

    event: str = ""
    q: str = ""
    who: str = ""
    since: str = ""
    until: str = ""

    def wanted(self) -> log.Wanted:
        """Return what it means; what means nothing is passed over."""
        until = _day(self.until)
        return log.Wanted(
            self.event if self.event in log.NOUNS else None,
            self.who.strip() or None,
            self.q.strip(),
            _day(self.since),
            until + timedelta(days=1) if until is not None else None,
        )

    def query(self) -> dict[str, str]:
        """Return what of it is said."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name).strip())}


def _asked(
    event: Annotated[str, Query(max_length=60)] = "",
    q: Search = "",
    who: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> _Asked:
    return _Asked(event if event in log.NOUNS else "", q, who, since, until)


Asked = Annotated[_Asked, Depends(_asked)]


def _day(text: str) -> datetime | None:
    try:
        found = date.fromisoformat(text)
        # A day more must be a day, too.
        return datetime(found.year, found.month, found.day, tzinfo=UTC) if 1 < found.year < 9999 else None
    except ValueError:
        return None


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.AUDIT_READ)])
    database, settings = services.database, services.settings

    async def show(
        request: Request, asker: Actor, view: views.View, asked: _Asked, below: int | None, report: Report | None
    ) -> Response:
        organization = asker.organization_id
        wanted = asked.wanted()
        page = await database.read(
            lambda tx: log.listing(
                tx,
                organization,
                event=wanted.event,
                actor=wanted.actor,
                text=wanted.text,
                since=wanted.since,
                until=wanted.until,
                below=below,
                limit=_PAGE,
                effort=_EFFORT if wanted.text else None,
            )
        )
        context = {
            "view": view,
            "page": page,
            "nouns": log.NOUNS,
            "asked": asked,
            "later": below is not None,
            "more": _more(request, page.next),
            "effort": _EFFORT,
            "export": urlencode(asked.query()),
            "report": report,
        }
        return pages.render(request, "audit/list.html", context)

    @router.get("/audit")
    async def listing(
        request: Request,
        asker: Asker,
        asked: Asked,
        below: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> Response:
        view = await views.look(request, database, asker, "audit")
        if view.leads:
            return RedirectResponse(view.leads, 303)
        return await show(request, asker, view, asked, below, None)

    @router.get("/audit/verify")
    async def check(request: Request, asker: Asker) -> Response:
        organization = asker.organization_id
        try:
            signed = await database.read(lambda tx: heads.kept(settings.audit_heads_file, organization))
            signer = Signer(settings.data)
        except Invalid as problem:
            raise Invalid(problem.message, advice=f"Look at {settings.audit_heads_file} on the server.") from problem
        report = await database.read(lambda tx: verify(tx, organization, signed, signer.public, signer.older))
        view = await views.look(request, database, asker, "audit")
        return await show(request, asker, view, _Asked(), None, report)

    @router.get("/audit/export", dependencies=[needs(Permission.AUDIT_EXPORT)])
    async def take(
        session: SignedIn, asked: Asked, written: Annotated[export.Form, Query(alias="format")] = export.Form.JSONL
    ) -> Response:
        wanted = asked.wanted()
        head = await database.run(lambda tx: export.begin(tx, session.user.organization_id, wanted, written))
        return download(export.stream(database, head, Signer(settings.data), wanted, written), written)

    return router


def _more(request: Request, below: int | None) -> str | None:
    if below is None:
        return None
    url = request.url.include_query_params(below=below)
    return f"/audit?{url.query}"
