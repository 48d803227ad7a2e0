"""Buttons that somebody may not use are held: disabled, with the reason, wherever a page has them.

What a form or a link needs is read from the route that it leads to, and so is always what the server will say. Templates need
do nothing for it; they may leave out what makes no sense for who only looks.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape, unescape
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from ringfence.security.access import Needs
from ringfence.security.rbac import Actor, Permission, missing

_FORM: Final = re.compile(r'(<form\b(?=[^>]*\bmethod="post")[^>]*?\baction="([^"]*)"[^>]*>)(.*?)(</form>)', re.DOTALL)
_FIELD: Final = re.compile(r'<(?:textarea|select|input(?![^>]*type="hidden"))\b')
_LINK: Final = re.compile(r'<a (class="button[^"]*") href="([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)


class Holding:
    """Knows what each address needs."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = [(route.methods or set(), route.path_regex, needed) for route, needed in declared(routes)]
        self._needs = lru_cache(maxsize=4096)(self._look)

    def hold(self, page: str, actor: Actor) -> str:
        """Return a page with what `actor` may not do held."""

        def form(found: re.Match[str]) -> str:
            why = self._why("POST", found[2], actor)
            if not why:
                return found[0]
            # Beside a lone button there is no room for a sentence; it is in its title, and read aloud.
            said = f'<p class="hint inside">{why}</p>' if _FIELD.search(found[3]) else ""
            return (
                f'{found[1]}<fieldset class="held" disabled title="{why}"><legend class="hidden">{why}</legend>'
                f"{found[3]}{said}</fieldset>{found[4]}"
            )

        def link(found: re.Match[str]) -> str:
            why = self._why("GET", found[2], actor)
            return f'<span {found[1]} aria-disabled="true" title="{why}">{found[4]}</span>' if why else found[0]

        return _LINK.sub(link, _FORM.sub(form, page))

    def _why(self, method: str, address: str, actor: Actor) -> str:
        path = urlsplit(unescape(address)).path
        lacking = next((each for each in self._needs(method, path) if not actor.may(each)), None)
        return "" if lacking is None else escape(missing(actor, lacking))

    def _look(self, method: str, path: str) -> tuple[Permission, ...]:
        return next((needed for methods, regex, needed in self._routes if method in methods and regex.match(path)), ())


def declared(routes: Sequence[BaseRoute]) -> Iterator[tuple[APIRoute, tuple[Permission, ...]]]:
    """Yield every route with the permissions that it, or a router around it, declares; what is mounted is left out."""
    yield from _declared(routes, ())


def _declared(
    routes: Sequence[BaseRoute], around: tuple[Permission, ...]
) -> Iterator[tuple[APIRoute, tuple[Permission, ...]]]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route, tuple(dict.fromkeys((*around, *_needed(route.dependant))))
            continue
        router = getattr(route, "original_router", None)
        if isinstance(router, APIRouter):
            checks = [each.dependency for each in router.dependencies]
            own = tuple(each.permission for each in checks if isinstance(each, Needs))
            yield from _declared(router.routes, (*around, *own))


def _needed(dependant: Dependant) -> Iterator[Permission]:
    for each in dependant.dependencies:
        if isinstance(each.call, Needs):
            yield each.call.permission
        yield from _needed(each)
