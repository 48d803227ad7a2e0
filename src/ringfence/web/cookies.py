"""Our cookies: out of reach of scripts, of other sites, and of plain HTTP where the site has HTTPS."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ringfence.settings import Settings

_SESSION = "ringfence"
_STEP = "ringfence-step"
_KNOWN = "ringfence-known"
_TYPED = "ringfence-typed"
# Cookies of that prefix come by HTTPS and from this very host: a neighbouring host cannot set them.
_PREFIX = "__Host-"
_KNOWN_DAYS = 400


def secure(request: HTTPConnection, settings: Settings) -> bool:
    """Whether people reach the pages by HTTPS."""
    public = settings.public_url or ""
    return request.url.scheme == "https" or public.startswith("https://")


def session_token(request: HTTPConnection, settings: Settings) -> str | None:
    """Return what the browser holds. By HTTPS only the `__Host-` cookie counts."""
    return _get(request, settings, _SESSION)


def set_session(response: Response, request: HTTPConnection, settings: Settings, token: str) -> None:
    """Give the browser a session."""
    _set(response, request, settings, _SESSION, token, int(settings.session_hours * 3600))


def drop_session(response: Response, request: HTTPConnection, settings: Settings) -> None:
    """Take the session away from the browser, and what it keeps of a form."""
    _drop(response, request, settings, _SESSION)
    if typed(request, settings):
        drop_typed(response, request, settings)


def step_token(request: HTTPConnection, settings: Settings) -> str:
    """Return the token of the sign-in that is under way in this browser, nothing if there is none."""
    return _get(request, settings, _STEP) or ""


def set_step(response: Response, request: HTTPConnection, settings: Settings, token: str, seconds: int) -> None:
    """Let the browser remember a sign-in that is under way."""
    _set(response, request, settings, _STEP, token, seconds)


def drop_step(response: Response, request: HTTPConnection, settings: Settings) -> None:
    """Let the browser forget it."""
    _drop(response, request, settings, _STEP)


def known(request: HTTPConnection, settings: Settings) -> str:
    """Return by what this browser is known to somebody who has signed in from it, nothing if it is not."""
    return _get(request, settings, _KNOWN) or ""


def set_known(response: Response, request: HTTPConnection, settings: Settings, value: str) -> None:
    """Let the browser be known; this outlives sessions and signs nobody in."""
    _set(response, request, settings, _KNOWN, value, _KNOWN_DAYS * 86_400)


def typed(request: HTTPConnection, settings: Settings) -> str:
    """Return what the browser keeps of a form, nothing if it keeps nothing."""
    return _get(request, settings, _TYPED) or ""


def set_typed(response: Response, request: HTTPConnection, settings: Settings, value: str, seconds: int) -> None:
    """Let the browser keep what was typed into a form."""
    _set(response, request, settings, _TYPED, value, seconds)


def drop_typed(response: Response, request: HTTPConnection, settings: Settings) -> None:
    """Let the browser forget it."""
    _drop(response, request, settings, _TYPED)


def _name(request: HTTPConnection, settings: Settings, name: str) -> str:
    return f"{_PREFIX}{name}" if secure(request, settings) else name


def _get(request: HTTPConnection, settings: Settings, name: str) -> str | None:
    return request.cookies.get(_name(request, settings, name))


def _set(response: Response, request: HTTPConnection, settings: Settings, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(request, settings, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure(request, settings),
    )


def _drop(response: Response, request: HTTPConnection, settings: Settings, name: str) -> None:
    response.delete_cookie(
        _name(request, settings, name), path="/", httponly=True, samesite="lax", secure=secure(request, settings)
    )
