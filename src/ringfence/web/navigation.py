"""Where a page may send a browser next."""

from urllib.parse import urlsplit


def local_path(address: str, default: str = "/") -> str:
    """Return `address` if it is a path on this site, else `default`: nobody is led elsewhere by a crafted link."""
    if not address.startswith("/") or address.startswith("//") or "\\" in address or not address.isprintable():
        return default
    try:
        parts = urlsplit(address)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else address
