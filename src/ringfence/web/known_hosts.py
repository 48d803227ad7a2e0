"""Middleware: answer only to names that are ours, so that no foreign name can be pointed at this server (DNS rebinding).

An IP address is never the name of a foreign page, and so always good; so are `localhost` and the machine's own name.
"""

import ipaddress
import socket
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.errors import Misdirected
from ringfence.settings import Settings
from ringfence.web.refusing import refuse
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

# Says nothing, and is asked by whatever name a cluster gives.
_ANYBODY: Final = "/healthz"


class KnownHosts:
    """Refuses requests for other hosts than the settings name."""

    def __init__(self, app: ASGIApp, services: Services, pages: Pages) -> None:
        self._app = app
        self._services = services
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == _ANYBODY:
            await self._app(scope, receive, send)
            return
        settings: Settings = self._services.settings
        asked = Headers(scope=scope).get("host", "")
        if is_known(asked, names(settings.public_url or "", settings.host, settings.allowed_hosts)):
            await self._app(scope, receive, send)
            return
        error = Misdirected(
            f"This server does not go by the name {hostname(asked)[:100]!r}.",
            advice="Whoever runs it can name it in RINGFENCE_PUBLIC_URL or RINGFENCE_ALLOWED_HOSTS.",
        )
        await refuse(self._pages, error, scope, receive, send)


@lru_cache(maxsize=16)
def names(public_url: str, host: str, allowed: str) -> frozenset[str]:
    """Return the names that are ours; one that begins with `*.` stands for all below it."""
    own = {"localhost", socket.gethostname(), urlsplit(public_url).hostname or "", host}
    return frozenset(each.lower().rstrip(".") for each in (*own, *allowed.replace(",", " ").split()) if each)


def is_known(asked: str, known: frozenset[str]) -> bool:
    """Say whether the value of a Host header is an address or one of the names, whatever the port."""
    name = hostname(asked)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        parts = name.split(".")
        return name in known or any(f"*.{'.'.join(parts[at:])}" in known for at in range(1, len(parts)))
    return True


def hostname(asked: str) -> str:
    """Return the name of a Host header without its port; nothing for what is no name."""
    try:
        return (urlsplit(f"//{asked}").hostname or "").rstrip(".")
    except ValueError:
        return ""
