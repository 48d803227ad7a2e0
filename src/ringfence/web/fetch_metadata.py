"""Middleware: foreign pages may lead people here, and nothing else (Fetch Metadata).

Browsers say from where a request comes; programs and very old browsers say nothing, and are held to the other checks.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.errors import Forbidden
from ringfence.web.forgery import SAFE
from ringfence.web.refusing import refuse
from ringfence.web.rendering import Pages

_OWN: Final = frozenset({"same-origin", "none"})


class FetchMetadata:
    """Refuses what a foreign page's scripts, forms, frames and images ask for."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_wanted(scope["method"], Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        error = Forbidden("This was asked for by a page of another site.", advice="Open it from a page of Ringfence.")
        await refuse(self._pages, error, scope, receive, send)


def is_wanted(method: str, headers: Headers) -> bool:
    """Say whether a request comes from ourselves, from a person, from a program, or leads a person here."""
    site = headers.get("sec-fetch-site")
    if site is None or site in _OWN:
        return True
    leads_here = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
    return leads_here and method in SAFE
