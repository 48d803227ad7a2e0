"""An account for a service by HTTP: where its credential may go, what of it may be shown, and what is sealed. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import httpx

from ringfence.errors import Invalid

LONGEST_NAME: Final = 100
_LONGEST: Final = 8_000
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_QUERY: Final = re.compile(r"[A-Za-z0-9_.~\[\]-]{1,100}\Z")
_HOST: Final = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9._-]{0,250}[a-z0-9])?\Z")
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Kind(StrEnum):
    """How a service is shown who calls: a key in a header or in the query, a user and password, a token, or OAuth 2."""

    HEADER = "header"
    QUERY = "query"
    BASIC = "basic"
    BEARER = "bearer"
    OAUTH2 = "oauth2"


@dataclass(frozen=True, slots=True)
class HttpAccount:
    """An account as it is shown; `shown` has what is not secret, by name: header, parameter, user, or token_url and so on.

    Its credential goes to `address` and below, and nowhere else.
    """

    id: str
    organization_id: str
    name: str
    kind: Kind
    address: str
    shown: Mapping[str, str]
    created_at: datetime
    created_by: str
    renewed_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHttpAccount:
    """What a person enters; `secret` is the key, the password, the token or the client's secret."""

    name: str
    kind: str
    address: str
    secret: str = field(repr=False)
    parameter: str = ""
    user: str = ""
    token_url: str = ""
    client_id: str = ""
    scope: str = ""

    def settings(self) -> dict[str, str]:
        """Return what may be shown; Invalid unless it is whole and fits the kind."""
        match self.kind:
            case Kind.HEADER:
                return {"header": _fit(_TOKEN, self.parameter or "X-API-Key", "header's name")}
            case Kind.QUERY:
                return {"parameter": _fit(_QUERY, self.parameter or "key", "parameter's name")}
            case Kind.BASIC:
                user = text_of(self.user, "user")
                if ":" in user:
                    raise Invalid("A user's name has no colon in it.")
                return {"user": user}
            case Kind.BEARER:
                return {}
            case Kind.OAUTH2:
                given = {"token_url": str(secure(self.token_url)), "client_id": text_of(self.client_id, "client id")}
                return given | ({"scope": text_of(self.scope, "scope")} if self.scope.strip() else {})
            case _:
                raise Invalid(f"There is no kind {self.kind[:60]!r}.", advice=f"Kinds are: {', '.join(Kind)}.")


def check_name(name: str) -> str:
    """Return a name without blanks around it; Invalid for what cannot be one."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be an account's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    return name


def text_of(text: str, what: str) -> str:
    """Return a text that can be put into a header; Invalid for any other."""
    text = text.strip()
    if not text or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        raise Invalid(f"The {what} is empty, or holds characters that cannot be in it.", advice="Copy it again.")
    return text


def url(text: str) -> httpx.URL:
    """Read an absolute address by HTTP; Invalid for any other, and for one with a user or a password in it."""
    try:
        found = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError, TypeError):
        found = httpx.URL("")
    if found.scheme not in ("http", "https") or not found.host or not text.strip().isprintable():
        raise Invalid(f"{text[:100]!r} is not an address.", advice="Write it as https://api.contoso.com/path.")
    if found.userinfo:
        raise Invalid("An address must not hold a user or a password.", advice="Put the credential into an account.")
    return found.copy_with(fragment=None)


def secure(text: str) -> httpx.URL:
    """Read an address to which a credential may go: by HTTPS, or on this machine."""
    found = url(text)
    if found.scheme != "https" and found.host not in _LOCAL:
        raise Invalid("A credential is never sent unprotected.", advice="Use an address that begins with https://.")
    return found


def base(text: str) -> httpx.URL:
    """Read the address of an account: without a query, and with a slash at its end."""
    found = secure(text)
    if found.query:
        raise Invalid("The address of an account has no query.", advice="Leave out what begins with the question mark.")
    return found.copy_with(path=found.path if found.path.endswith("/") else f"{found.path}/")


def origin(address: httpx.URL) -> tuple[str, str, int]:
    """Return scheme, host and port."""
    return address.scheme, address.host, address.port or (443 if address.scheme == "https" else 80)


def belongs(address: httpx.URL, account: httpx.URL) -> bool:
    """Whether an address is that of an account, or below it; one that climbs is not."""
    if origin(address) != origin(account):
        return False
    path = address.path
    climbs = any(part in (".", "..") for part in path.replace("\\", "/").split("/"))
    return not climbs and f"{path}/".startswith(account.path)


def host_of(text: str) -> str:
    """Return a host, `api.contoso.com` or `*.contoso.com`, in its one form; Invalid for what is none."""
    host = text.strip().casefold().rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            host = ""
    if not _HOST.match(host) or ".." in host or host in ("*.com", "*.net", "*.org"):
        raise Invalid(
            f"{text[:100]!r} is not a host.", advice="Write api.contoso.com, or *.contoso.com for all hosts below it."
        )
    return host


def permits(patterns: frozenset[str], host: str) -> bool:
    """Whether one of the patterns is a host, or is above it where it begins with `*.`."""
    host = host.casefold().rstrip(".")
    if host in patterns:
        return True
    labels = host.split(".")
    return any(f"*.{'.'.join(labels[at:])}" in patterns for at in range(1, len(labels)))


def _fit(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.match(text.strip()):
        raise Invalid(f"{text[:60]!r} cannot be a {what}.")
    if text.strip().casefold() in ("host", "content-length", "transfer-encoding", "connection"):
        raise Invalid(f"The header {text.strip()} belongs to the connection itself.")
    return text.strip()
