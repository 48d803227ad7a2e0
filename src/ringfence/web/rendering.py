"""Templates: everything is escaped, a missing name is an error, and a live page can be rendered without its frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

import ringfence
from ringfence import clock
from ringfence.organizations.model import Organization
from ringfence.security.rbac import Actor
from ringfence.security.sessions import Session, masked_csrf
from ringfence.web import formatting, host_facts, json_view, menu, packing, pieces, theme, words
from ringfence.web.allowed import Allowed
from ringfence.web.holding import Holding
from ringfence.web.static_files import asset

_HERE = Path(__file__).parent
ORGANIZATION = "X-Ringfence-Organization"
"""By this header a live page says of which organization it is."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a page listens to: nouns of the change feed (`run` or `run:ID`), above the number that its content includes."""

    topics: tuple[str, ...]
    after: int

    @property
    def address(self) -> str:
        """The address of the stream."""
        # Every page shows how many questions wait, and what stops containing.
        topics = dict.fromkeys((*self.topics, "approval", "brake", "policy"))
        return f"/events?topics={','.join(topics)}&after={self.after}"


@cache
def _environment() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters |= {
        "exact": formatting.exact,
        "said": formatting.said,
        "sentence": formatting.sentence,
        "told": host_facts.told,
        "iso": clock.iso,
        "json_line": formatting.json_line,
        "relative": _relative,
        "clock_time": formatting.clock_time,
        "duration": formatting.duration,
        "size": formatting.size,
    }
    templates.globals |= {
        "ORGANIZATION": ORGANIZATION,
        "asset": asset,
        "count": formatting.count,
        "json_tree": json_view.tree,
        "evidence_icons": words.EVIDENCE_ICONS,
        "sign": words.sign,
        "version": ringfence.__version__,
        "pieces": pieces,
    }
    templates.globals["ui"] = templates.get_template("macros.html").module
    return templates


class Pages:
    """Renders templates with what every page needs; `holding` knows what each address needs, once there are all."""

    def __init__(self) -> None:
        self.holding: Holding | None = None

    def asset(self, path: str) -> str:
        """Return the address of a static file, with its hash, so that browsers may keep it for ever."""
        return asset(path)

    def render(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        live: Live | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """Render a page, or its live part only where htmx asks for that."""
        session: Session | None = request.state.session
        here: Organization | None = getattr(request.state, "here", None)
        meant = request.headers.get(ORGANIZATION)
        if here is not None and meant not in (None, here.id):
            # Another tab went over to another organization: what is of that one never comes into a frame that names this.
            return HTMLResponse("", headers={"HX-Redirect": "/"})
        values = {
            "session": session,
            "csrf": masked_csrf(session) if session else "",
            "theme": theme.chosen(request),
            "path": request.url.path,
            "address": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "live": live,
            "menu": menu.for_actor(getattr(request.state, "actor", None)),
            "menu_chosen": request.cookies.get(menu.COOKIE),
            "may": Allowed(getattr(request.state, "actor", None)),
            "here": here,
            "waiting": getattr(request.state, "waiting", 0),
            "stops": getattr(request.state, "stops", ()),
            "brakes": getattr(request.state, "brakes", ()),
            "layout": "part.html" if wants_part(request) else "page.html",
            **(context or {}),
        }
        body = _environment().get_template(template).render(values)
        actor: Actor | None = getattr(request.state, "actor", None)
        if self.holding is not None and actor is not None:
            body = self.holding.hold(body, actor)
        return packing.pack(request, HTMLResponse(body, status, headers={"Vary": "HX-Request-Type, Cookie"}))


def wants_part(request: Request) -> bool:
    """Whether htmx asks for the live part of a page."""
    return request.headers.get("hx-request-type") == "partial"


def _relative(moment: datetime) -> str:
    return formatting.relative(moment, clock.now())
