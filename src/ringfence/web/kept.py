"""What was typed into a form that then asked for a fresh proof: the browser keeps it, and the form has it again afterwards.

It is in a cookie for ten minutes and one visit, of this person and this page, and never in an address: no link can fill a form
in. What is secret is typed again.
"""

import base64
import json
from typing import Final

from fastapi import Depends, params
from starlette.requests import Request
from starlette.responses import Response

from ringfence.security import proof
from ringfence.security.proof import ProofNeeded
from ringfence.security.sessions import Session
from ringfence.settings import Settings
from ringfence.web import cookies

SECONDS: Final = 600
# A browser takes 4 kB for a cookie.
_LONGEST: Final = 3_500
Typed = dict[str, list[str]]


def proven(*names: str) -> params.Depends:
    """Return what demands a fresh proof, as PROVEN does, and keeps these fields of the form meanwhile: none that is secret."""

    async def demand(request: Request) -> None:
        try:
            proof.demand(request)
        except ProofNeeded:
            typed: Typed = {}
            for name, value in (await request.form()).multi_items():
                if name in names and isinstance(value, str):
                    typed.setdefault(name, []).append(value)
            request.state.typed = typed
            raise

    made: params.Depends = Depends(demand)
    return made


def keep(response: Response, request: Request, settings: Settings, page: str) -> None:
    """Let the browser keep what was typed on a page, a path, unless that is too much for a cookie."""
    session: Session | None = request.state.session
    typed: Typed = getattr(request.state, "typed", {})
    if session is None or not typed:
        return
    said = json.dumps({"person": session.user.id, "page": page.partition("?")[0], "typed": typed})
    value = base64.urlsafe_b64encode(said.encode()).decode()
    if len(value) <= _LONGEST:
        cookies.set_typed(response, request, settings, value, SECONDS)


def found(request: Request, settings: Settings) -> Typed:
    """Return what this person typed on this page before they were asked for a proof; nothing for what is no such cookie."""
    session: Session | None = request.state.session
    try:
        said = json.loads(base64.urlsafe_b64decode(cookies.typed(request, settings)))
        if session is None or (said["person"], said["page"]) != (session.user.id, request.url.path):
            return {}
        return {str(name): [str(each) for each in values] for name, values in said["typed"].items() if values}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def words(typed: Typed) -> dict[str, str]:
    """Return the first value of each field."""
    return {name: values[0] for name, values in typed.items()}


def forget(response: Response, request: Request, settings: Settings) -> Response:
    """Let the browser forget it, once a page has said it back; returns the response."""
    if cookies.typed(request, settings):
        cookies.drop_typed(response, request, settings)
    return response
