"""What a request is told that goes no further than the middleware: programs a problem document, people a page."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ringfence.errors import RingfenceError
from ringfence.web import error_pages
from ringfence.web.rendering import Pages

_PROGRAMS: Final = ("/api/", "/hooks/", "/metrics", "/healthz")


async def refuse(
    pages: Pages,
    error: RingfenceError,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer with an error, and with these headers."""
    response = problem(error) if scope["path"].startswith(_PROGRAMS) else _page(pages, error, scope)
    response.headers.update(headers or {})
    await response(scope, receive, send)


def problem(error: RingfenceError) -> Response:
    """Return an error as a problem document (RFC 9457)."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "advice": error.advice,
    }
    return JSONResponse(document, error.status, media_type="application/problem+json")


def _page(pages: Pages, error: RingfenceError, scope: Scope) -> Response:
    state = scope.setdefault("state", {})
    state.setdefault("session", None)
    state.setdefault("actor", None)
    return error_pages.page(pages, Request(scope), error)
