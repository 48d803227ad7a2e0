"""POST /theme: dark, light, or as the system says; kept in a cookie so that the first byte already has the right colours."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse

from ringfence.web.cookies import secure
from ringfence.web.navigation import local_path
from ringfence.web.services import Services

THEMES = ("auto", "dark", "light")
_COOKIE = "theme"
_YEAR = 365 * 24 * 3600


def chosen(request: Request) -> str:
    """Return the theme that a browser asked for."""
    theme = request.cookies.get(_COOKIE, "")
    return theme if theme in THEMES else "auto"


def routes(services: Services) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()

    @router.post("/theme")
    async def choose(
        request: Request, theme: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
    ) -> RedirectResponse:
        response = RedirectResponse(local_path(back), 303)
        value = theme if theme in THEMES else "auto"
        response.set_cookie(
            _COOKIE, value, max_age=_YEAR, samesite="lax", httponly=True, secure=secure(request, services.settings)
        )
        return response

    return router
