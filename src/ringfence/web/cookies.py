"""The session cookie: out of reach of scripts, of other sites, and of plain HTTP where the site has HTTPS."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ringfence.settings import Settings

_PLAIN = "ringfence"
_SECURE = "__Host-ringfence"


def secure(request: HTTPConnection, settings: Settings) -> bool:
    """Whether people reach the pages by HTTPS."""
    public = settings.public_url or ""
    return request.url.scheme == "https" or public.startswith("https://")


def session_token(request: HTTPConnection, settings: Settings) -> str | None:
    """Return what the browser holds. By HTTPS only the `__Host-` cookie counts, which a neighbouring host cannot set."""
    return request.cookies.get(_SECURE if secure(request, settings) else _PLAIN)


def set_session(response: Response, request: HTTPConnection, settings: Settings, token: str) -> None:
    """Give the browser a session."""
    over_https = secure(request, settings)
    response.set_cookie(
        _SECURE if over_https else _PLAIN,
        token,
        max_age=int(settings.session_hours * 3600),
        path="/",
        httponly=True,
        samesite="lax",
        secure=over_https,
    )


def drop_session(response: Response, request: HTTPConnection, settings: Settings) -> None:
    """Take the session away from the browser."""
    over_https = secure(request, settings)
    response.delete_cookie(
        _SECURE if over_https else _PLAIN, path="/", httponly=True, samesite="lax", secure=over_https
    )
