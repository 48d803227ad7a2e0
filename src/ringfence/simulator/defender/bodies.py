"""What request bodies must hold: names are case-sensitive, and what is wrong is refused as documented."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from ringfence.simulator import odata, timestamps
from ringfence.simulator.operations import ApiError
from ringfence.simulator.record import Document

_DOMAIN = re.compile(
    r"(?=.{3,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE | re.ASCII
)
_HASHES = {"md5": 32, "sha1": 40, "sha256": 64}


def incorrect() -> ApiError:
    """Return the 400 for a body of the wrong form."""
    return ApiError(400, "InvalidRequestBody", "Request body is incorrect")


def missing(name: str) -> ApiError:
    """Return the 400 for a required parameter that is not there."""
    return ApiError(400, "MissingRequiredParameter", f"Parameter {name} is missing.")


def too_many(received: int, allowed: int) -> ApiError:
    """Return the 400 for a list that is too long."""
    return ApiError(
        400, "MaximumBatchSizeExceeded", f"Maximum batch size exceeded. Received: {received}, allowed: {allowed}."
    )


def text(body: Document, name: str) -> str:
    """Return a required text. Raises ApiError 400."""
    value = optional_text(body, name)
    if not value:
        raise missing(name)
    return value


def optional_text(body: Document, name: str) -> str | None:
    """Return a text that may be absent or null. Raises ApiError 400."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise incorrect()
    return value


def choice(body: Document, name: str, allowed: tuple[str, ...]) -> str:
    """Return a required member of an enum. Raises ApiError 400."""
    value = text(body, name)
    if value not in allowed:
        raise incorrect()
    return value


def truth(body: Document, name: str) -> bool:
    """Return true or false, false if absent. Raises ApiError 400."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise incorrect()
    return bool(value)


def texts(body: Document, name: str) -> list[str]:
    """Return a list of texts, empty if absent or null. Raises ApiError 400."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise incorrect()
    return value


def batch(body: Document, name: str, allowed: int | None = None) -> list[str]:
    """Return a required list of at least one text. Raises ApiError 400."""
    values = texts(body, name)
    if not values:
        raise missing(name)
    if allowed is not None and len(values) > allowed:
        raise too_many(len(values), allowed)
    return values


def moment(body: Document, name: str) -> int | None:
    """Return a time as ticks, None if absent. Raises ApiError 400."""
    value = optional_text(body, name)
    try:
        return None if value is None else timestamps.read(value)
    except ValueError:
        raise incorrect() from None


def only(body: Document, names: tuple[str, ...]) -> None:
    """Refuse a body that holds other names, for instance in other letter case. Raises ApiError 400."""
    if not set(body) <= set(names):
        raise incorrect()


def hash_of(value: Any, *kinds: str) -> str:
    """Return a hash in lower case. Raises ApiError 400 unless it is of one of the kinds: md5, sha1, sha256."""
    if not isinstance(value, str) or not any(
        re.fullmatch(rf"[0-9a-fA-F]{{{_HASHES[kind]}}}", value, re.ASCII) for kind in kinds
    ):
        raise ApiError(400, "InvalidHashValue", f"Hash value {value} is invalid.")
    return value.lower()


def domain(value: str) -> str:
    """Return a domain in lower case. Raises ApiError 400."""
    if not _DOMAIN.fullmatch(value):
        raise ApiError(400, "InvalidDomainName", f"Domain name {value} is invalid.")
    return value.lower()


def address(value: str) -> str:
    """Return an IP address in its usual form; a network is none. Raises ApiError 400."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ApiError(400, "InvalidIpAddress", f"IP address {value} is invalid.") from None


def url(value: str) -> str:
    """Return a URL whose host is a domain or an address. Raises ApiError 400."""
    wrong = ApiError(400, "InvalidUrl", f"URL {value} is invalid.")
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host = parts.hostname or ""
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https", "ftp") or re.search(r"\s", value):
        raise wrong
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not _DOMAIN.fullmatch(host):
            raise wrong from None
    return value


def look_back(query: str) -> float:
    """Return the lookBackHours of a query, 720 (30 days) if absent. Raises ApiError 400."""
    values = odata.plain(query, "lookBackHours")
    if not values:
        return 720.0
    if not re.fullmatch(r"[0-9]{1,4}", values[-1], re.ASCII) or not 1 <= int(values[-1]) <= 720:
        raise ApiError(400, "InvalidInput", f"Invalid input lookBackHours: {values[-1]}. It is a number from 1 to 720.")
    return float(values[-1])
