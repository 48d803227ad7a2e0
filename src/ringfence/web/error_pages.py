"""Errors as readable pages: what is wrong and what to do next. Nothing internal reaches a page."""

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence import clock, logs
from ringfence.errors import Invalid, NoOrganization, NotFound, NotSignedIn, RingfenceError
from ringfence.security.proof import ProofNeeded
from ringfence.settings import Settings
from ringfence.web import kept
from ringfence.web.forgery import SAFE
from ringfence.web.navigation import came_from
from ringfence.web.rendering import Pages

_log = logs.get(__name__)

_KNOWN = {
    404: ("There is no such page.", "Check the address, or go on from the overview."),
    405: ("This address does not take that kind of request.", "Go on from the overview."),
    413: ("That is too much to send at once.", "Send less."),
}


def install(app: FastAPI, pages: Pages, settings: Settings) -> None:
    """Let `app` answer our errors, Starlette's and FastAPI's with pages."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, RingfenceError)
        response = page(pages, request, error)
        if isinstance(error, ProofNeeded):
            kept.keep(response, request, settings, came_from(request))
        return response

    async def starlettes(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message, advice = _KNOWN.get(error.status_code, (f"{HTTPStatus(error.status_code).phrase}.", ""))
        return page(pages, request, NotFound(message, advice=advice), status=error.status_code)

    async def fastapis(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems = tuple(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
        return page(pages, request, Invalid("Something in the address or the form cannot be used.", problems=problems))

    app.add_exception_handler(RingfenceError, ours)
    app.add_exception_handler(HTTPException, starlettes)
    app.add_exception_handler(RequestValidationError, fastapis)


def page(pages: Pages, request: Request, error: RingfenceError, *, status: int | None = None) -> Response:
    """Return the page of an error; who is not signed in is led to the sign-in page and back again."""
    if isinstance(error, NotSignedIn) and request.method in SAFE and not request.url.path.startswith("/sign-in"):
        address = _sign_in(request)
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": address})
        if request.url.path == "/events":
            return Response(status_code=401)
        return RedirectResponse(address, 303)
    if isinstance(error, ProofNeeded):
        return RedirectResponse(f"/sign-in/confirm?{urlencode({'next': came_from(request)})}", 303)
    if isinstance(error, NoOrganization) and request.method in SAFE and request.url.path != "/events":
        return RedirectResponse("/organizations/choose", 303)
    context = {
        # Who sent a form goes back to it; who came by an address has nowhere to go back to.
        "back": came_from(request) if request.method not in SAFE else "",
        "status": status or error.status,
        "message": error.message,
        "advice": error.advice,
        "problems": error.problems if isinstance(error, Invalid) else (),
        "reference": "",
    }
    return pages.render(request, "error.html", context, status=status or error.status)


def _sign_in(request: Request) -> str:
    page_address = urlsplit(request.headers.get("hx-current-url") or str(request.url))
    here = page_address.path + (f"?{page_address.query}" if page_address.query else "")
    return "/sign-in" if here == "/" else f"/sign-in?{urlencode({'next': here})}"


class ErrorPages:
    """Middleware: whatever else goes wrong is logged with a reference, and the page shows the reference only."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if started:
                raise
            scope.setdefault("state", {}).setdefault("session", None)
            request = Request(scope, receive)
            response = (
                page(self._pages, request, error) if isinstance(error, RingfenceError) else self._broken(request, error)
            )
            await response(scope, receive, send)

    def _broken(self, request: Request, error: Exception) -> Response:
        reference = clock.new_id()
        _log.error("page_failed", path=request.url.path, reference=reference, exc_info=error)
        context = {
            "back": came_from(request) if request.method not in SAFE else "",
            "status": 500,
            "message": "Something went wrong on our side.",
            "advice": "Try again. If it stays, look for the reference in the server's log.",
            "problems": (),
            "reference": reference,
        }
        return self._pages.render(request, "error.html", context, status=500)
