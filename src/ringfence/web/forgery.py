"""Middleware and check against forged requests: every change must come from a page of ours."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.errors import Forbidden
from ringfence.security.sessions import Session, same_csrf
from ringfence.web.bearers import bearer_token
from ringfence.web.services import Services

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What comes to a webhook is proven by its signature, and no browser sends it.
HOOKS = "/hooks/"
_ADVICE = "Open the page again and send the form from there."


class OwnOrigin:
    """Refuses every change whose `Origin` is not this site; browsers always send it with a form or a script's request."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        public = urlsplit(services.settings.public_url or "")
        self._public = f"{public.scheme}://{public.netloc}" if public.netloc else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE and not scope["path"].startswith(HOOKS):
            request = Request(scope)
            origin = request.headers.get("origin")
            own = f"{request.url.scheme}://{request.url.netloc}"
            # No browser sends a token by itself, and a page of another site may not name that header.
            if bearer_token(request) is None and (origin is None or origin not in (own, self._public)):
                # Raised here, below the error pages and above every route.
                raise Forbidden(
                    f"This change was not sent from a page of {self._public or own}.",
                    advice=f"{_ADVICE} Behind a proxy, set RINGFENCE_PUBLIC_URL to the address that people use.",
                )
        await self._app(scope, receive, send)


async def demand_token(request: Request) -> None:
    """Refuse a signed-in browser's change that does not carry the session's token, as `csrf` or `X-CSRF-Token`."""
    session: Session | None = request.state.session
    if request.method in SAFE or session is None:
        return
    given = request.headers.get("x-csrf-token")
    if given is None:
        field = (await request.form()).get("csrf")
        given = field if isinstance(field, str) else ""
    if not same_csrf(session, given):
        raise Forbidden("This form does not belong to your session; perhaps you signed in again since.", advice=_ADVICE)
