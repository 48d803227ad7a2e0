"""GET /audit: who did what; GET /audit/verify: whether the record is whole."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence.audit import heads, log
from ringfence.audit.heads import Signer
from ringfence.audit.verification import Report, verify
from ringfence.errors import Invalid
from ringfence.web.filters import Search
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_PAGE = 100


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database, settings = services.database, services.settings

    async def show(
        request: Request, session: SignedIn, event: str, text: str, below: int | None, report: Report | None
    ) -> Response:
        organization = session.user.organization_id
        chosen = event if event in log.NOUNS else ""
        page = await database.read(
            lambda tx: log.listing(tx, organization, event=chosen or None, text=text, below=below, limit=_PAGE)
        )
        context = {
            "page": page,
            "nouns": log.NOUNS,
            "event": chosen,
            "text": text,
            "later": below is not None,
            "more": _more(request, page.next),
            "report": report,
        }
        return pages.render(request, "audit/list.html", context)

    @router.get("/audit")
    async def listing(
        request: Request,
        session: SignedIn,
        event: Annotated[str, Query(max_length=60)] = "",
        q: Search = "",
        below: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> Response:
        return await show(request, session, event, q.strip(), below, None)

    @router.get("/audit/verify")
    async def check(request: Request, session: SignedIn) -> Response:
        organization = session.user.organization_id
        try:
            signed = await database.read(lambda tx: heads.kept(settings.audit_heads_file, organization))
            public = Signer(settings.data).public
        except Invalid as problem:
            raise Invalid(problem.message, advice=f"Look at {settings.audit_heads_file} on the server.") from problem
        report = await database.read(lambda tx: verify(tx, organization, signed, public))
        return await show(request, session, "", "", None, report)

    return router


def _more(request: Request, below: int | None) -> str | None:
    if below is None:
        return None
    url = request.url.include_query_params(below=below)
    return f"/audit?{url.query}"
