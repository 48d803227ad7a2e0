"""Where a page may send a browser next."""

from urllib.parse import urlsplit

from starlette.requests import Request

from ringfence.web.forgery import SAFE


def local_path(address: str, default: str = "/") -> str:
    """Return `address` if it is a path on this site, else `default`: nobody is led elsewhere by a crafted link."""
    if not address.startswith("/") or address.startswith("//") or "\\" in address or not address.isprintable():
        return default
    try:
        parts = urlsplit(address)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else address


def came_from(request: Request) -> str:
    """Return the page on which somebody is, or the one whose form they sent."""
    shown = str(request.url) if request.method in SAFE else request.headers.get("referer", "/")
    try:
        page_address = urlsplit(shown)
    except ValueError:
        return "/"
    return local_path(page_address.path + (f"?{page_address.query}" if page_address.query else ""))
