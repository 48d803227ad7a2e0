"""Where a request comes from."""

from starlette.requests import HTTPConnection

from ringfence.security.sessions import Visitor


def visitor(request: HTTPConnection) -> Visitor:
    """Return the address that the server sees, and what the browser calls itself."""
    return Visitor(request.client.host if request.client else "", request.headers.get("user-agent", ""))
