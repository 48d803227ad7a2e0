"""Middleware: how much one address, one session or token, and one organization may ask for in a minute.

Who is signed in is counted by session and organization, everybody else by address; all processes count together
(`shared_rate`). Every answer says what is left (the header fields RateLimit and RateLimit-Policy of the HTTPAPI working group).
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence.errors import TooManyRequests
from ringfence.security.rbac import Actor
from ringfence.security.sessions import Session
from ringfence.settings import Settings
from ringfence.web.refusing import refuse
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.shared_rate import SharedRate

# Static files cost little, hooks have a measure of their own, and whoever watches our health must not be refused.
_FREE: Final = ("/static/", "/hooks/", "/healthz")


@dataclass(frozen=True, slots=True)
class Counted:
    """By what a request is counted: the name of the policy, who it is, and how many a minute they may send."""

    policy: str
    key: str
    most: int


class RateLimits:
    """Answers 429 with Retry-After to whoever asks for more."""

    def __init__(self, app: ASGIApp, services: Services, pages: Pages) -> None:
        self._app = app
        self._services = services
        self._pages = pages
        self._rates: dict[tuple[str, int], SharedRate] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_FREE):
            await self._app(scope, receive, send)
            return
        headers: dict[str, str] = {}
        for each in counted(HTTPConnection(scope), self._services.settings):
            known = (each.policy, each.most)
            if known not in self._rates:
                self._rates[known] = SharedRate(self._services.database, *known)
            rate = self._rates[known]
            wait = await rate.wait(each.key)
            left, seconds = rate.left(each.key)
            headers = {
                "RateLimit-Policy": f'"{each.policy}";q={each.most};w=60',
                "RateLimit": f'"{each.policy}";r={left};t={seconds}',
            }
            if wait:
                error = TooManyRequests(
                    f"This {each.policy} has sent more than {each.most} requests in a minute.",
                    advice=f"Wait {wait} seconds, then go on more slowly.",
                )
                refusal = {**headers, "Retry-After": str(wait)}
                await refuse(self._pages, error, scope, receive, send, headers=refusal)
                return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in headers.items():
                    answer[name] = value
            await send(message)

        await self._app(scope, receive, told)


def counted(request: HTTPConnection, settings: Settings) -> list[Counted]:
    """Return by what a request is counted, the measure that it is told of last; a limit of 0 counts nothing."""
    session: Session | None = getattr(request.state, "session", None)
    actor: Actor | None = getattr(request.state, "actor", None)
    address = Counted("address", neighbourhood(request.client.host if request.client else ""), settings.rate_address)
    label, organization_id = "", ""
    if session is not None:
        label, organization_id = session.label, session.user.organization_id
    if actor is not None:
        label, organization_id = f"{actor.how} {actor.user_id} {actor.label}", actor.organization_id
    found = [address]
    if label:
        found = [
            Counted("organization", organization_id, settings.rate_organization),
            Counted("session", label, settings.rate_session),
        ]
    return [each for each in found if each.most]


def neighbourhood(address: str) -> str:
    """Return what one machine can choose its address from: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
