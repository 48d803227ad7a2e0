"""The Microsoft clouds as data: authority, hosts and audiences, always taken together from one row.

Two traps are the reason for rows: GCC signs in at the commercial authority but calls a .us host, and GCC High and DoD
share a Defender host and differ in Graph only. China (21Vianet) has no Defender for Endpoint API and is not offered.
The government scopes are host + /.default, as connectors in the field do; Microsoft documents no list.
"""

import ipaddress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from ringfence.defender.errors import InvalidArgument


def is_loopback(host: str) -> bool:
    """Say whether a host name can only mean this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str, what: str, *, path_allowed: bool) -> str:
    """Return a base address without its trailing slash, or refuse it: a token must never travel in the clear."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidArgument(f"The {what} address {url!r} is not a URL.") from None
    if not host or parts.scheme not in ("http", "https"):
        raise InvalidArgument(f"The {what} address {url!r} is not a URL.", advice="Write it as https://host.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidArgument(f"The {what} address must have no user, query or fragment.", advice="Write https://host.")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidArgument(
            f"The {what} address {url!r} is plain http.",
            advice="Use https; http is accepted for a simulator on this computer only (localhost, 127.0.0.1, ::1).",
        )
    path = parts.path.rstrip("/")
    if path and not path_allowed:
        raise InvalidArgument(f"The {what} address {url!r} must have no path.", advice="Write it as https://host.")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _scope(audience: str) -> str:
    """Return the scope that asks for tokens of an audience, which is written with or without /.default."""
    text = audience.strip().removesuffix("/.default").rstrip("/")
    if not text.startswith(("https://", "api://")) or not text.isprintable() or set(text) & set(" ?#@"):
        raise InvalidArgument(
            f"The audience {audience[:100]!r} cannot be used.", advice="Write it as https://host or api://id."
        )
    return f"{text}/.default"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """One Microsoft cloud; addresses have no trailing slash, scopes end in /.default.

    `file_domains` are where the files are to which the service gives links: its own hosts and its storage.
    """

    id: str
    title: str
    authority: str
    mde_host: str
    mde_scope: str
    xdr_host: str
    xdr_scope: str
    graph_host: str
    graph_scope: str
    mde_aliases: tuple[str, ...] = ()
    xdr_aliases: tuple[str, ...] = ()
    graph_aliases: tuple[str, ...] = ()
    regional_hosts: tuple[tuple[str, str], ...] = ()
    file_domains: tuple[str, ...] = ()

    @property
    def mde_hosts(self) -> frozenset[str]:
        """Return each address that means this cloud's Defender API; a next link may name any of them."""
        return frozenset((self.mde_host, *self.mde_aliases, *(host for _, host in self.regional_hosts)))

    def in_region(self, region: str) -> "Cloud":
        """Return this cloud with the API host of one of its regions; the token stays the same, only the way is shorter.

        InvalidArgument if it has no such region.
        """
        for name, host in self.regional_hosts:
            if name.casefold() == region.strip().casefold():
                return replace(self, mde_host=host, mde_aliases=(self.mde_host, *self.mde_aliases))
        known = ", ".join(name for name, _ in self.regional_hosts)
        raise InvalidArgument(
            f"The cloud {self.title} has no region {region[:40]!r}.",
            advice=f"Choose one of {known}, or none." if known else "It has no regions: leave the region out.",
        )

    @property
    def is_local(self) -> bool:
        """Say whether the cloud is a simulator on this computer."""
        return all(is_loopback(urlsplit(url).hostname or "") for url in (self.authority, self.mde_host))

    @classmethod
    def custom(
        cls,
        *,
        login: str,
        api: str,
        graph: str | None = None,
        audience: str | None = None,
        cloud_id: str = "custom",
        title: str = "Custom addresses",
    ) -> "Cloud":
        """Make a cloud of other addresses, https unless they are loopback; aliases are the commercial ones.

        `audience` is what tokens for Defender are for, the commercial one if left out. Raises InvalidArgument for an address
        that a token must not be sent to.
        """
        api_base = _origin(api, "API", path_allowed=True)
        return cls(
            id=cloud_id,
            title=title,
            authority=_origin(login, "login", path_allowed=False),
            mde_host=api_base,
            mde_scope=COMMERCIAL.mde_scope if audience is None else _scope(audience),
            xdr_host=api_base,
            xdr_scope=COMMERCIAL.xdr_scope,
            graph_host=_origin(graph if graph is not None else api, "Graph", path_allowed=True),
            graph_scope=COMMERCIAL.graph_scope,
            mde_aliases=(COMMERCIAL.mde_host, *COMMERCIAL.mde_aliases),
            xdr_aliases=(COMMERCIAL.xdr_host,),
            graph_aliases=(COMMERCIAL.graph_host,),
            file_domains=(urlsplit(api_base).hostname or "", *COMMERCIAL.file_domains),
        )

    @classmethod
    def simulator(cls, base: str) -> "Cloud":
        """Make the cloud of a simulator that serves login, API and Graph at one loopback address."""
        cloud = cls.custom(login=base, api=base, graph=base, cloud_id="simulator", title="Simulator")
        if not cloud.is_local:
            raise InvalidArgument(
                f"The simulator's address {base!r} is not on this computer.",
                advice="Use a loopback address, or Cloud.custom with https addresses.",
            )
        return cloud


COMMERCIAL: Final = Cloud(
    id="commercial",
    title="Commercial",
    authority="https://login.microsoftonline.com",
    mde_host="https://api.security.microsoft.com",
    mde_scope="https://api.securitycenter.microsoft.com/.default",
    xdr_host="https://api.security.microsoft.com",
    xdr_scope="https://api.security.microsoft.com/.default",
    graph_host="https://graph.microsoft.com",
    graph_scope="https://graph.microsoft.com/.default",
    mde_aliases=(
        "https://api.securitycenter.microsoft.com",
        "https://api.securitycenter.windows.com",
        "https://api-us.securitycenter.microsoft.com",
        "https://api-eu.securitycenter.microsoft.com",
        "https://api-uk.securitycenter.microsoft.com",
        "https://api-au.securitycenter.microsoft.com",
    ),
    regional_hosts=(
        ("US", "https://us.api.security.microsoft.com"),
        ("EU", "https://eu.api.security.microsoft.com"),
        ("UK", "https://uk.api.security.microsoft.com"),
        ("Australia", "https://au.api.security.microsoft.com"),
        ("Switzerland", "https://swa.api.security.microsoft.com"),
        ("India", "https://ina.api.security.microsoft.com"),
    ),
    file_domains=(
        "securitycenter.windows.com",
        "securitycenter.microsoft.com",
        "security.microsoft.com",
        "core.windows.net",
    ),
)
_GOVERNMENT_FILES: Final = ("securitycenter.microsoft.us", "security.microsoft.us", "core.usgovcloudapi.net")
GCC: Final = Cloud(
    id="gcc",
    title="US Government GCC",
    authority="https://login.microsoftonline.com",
    mde_host="https://api-gcc.securitycenter.microsoft.us",
    mde_scope="https://api-gcc.securitycenter.microsoft.us/.default",
    xdr_host="https://api-gcc.security.microsoft.us",
    xdr_scope="https://api-gcc.security.microsoft.us/.default",
    graph_host="https://graph.microsoft.com",
    graph_scope="https://graph.microsoft.com/.default",
    # GCC is on the commercial storage or the government's; no page says which.
    file_domains=(*_GOVERNMENT_FILES, "core.windows.net"),
)
GCC_HIGH: Final = Cloud(
    id="gcc_high",
    title="US Government GCC High",
    authority="https://login.microsoftonline.us",
    mde_host="https://api-gov.securitycenter.microsoft.us",
    mde_scope="https://api-gov.securitycenter.microsoft.us/.default",
    xdr_host="https://api-gov.security.microsoft.us",
    xdr_scope="https://api-gov.security.microsoft.us/.default",
    graph_host="https://graph.microsoft.us",
    graph_scope="https://graph.microsoft.us/.default",
    file_domains=_GOVERNMENT_FILES,
)
DOD: Final = Cloud(
    id="dod",
    title="US Government DoD",
    authority="https://login.microsoftonline.us",
    mde_host="https://api-gov.securitycenter.microsoft.us",
    mde_scope="https://api-gov.securitycenter.microsoft.us/.default",
    xdr_host="https://api-gov.security.microsoft.us",
    xdr_scope="https://api-gov.security.microsoft.us/.default",
    graph_host="https://dod-graph.microsoft.us",
    graph_scope="https://dod-graph.microsoft.us/.default",
    file_domains=_GOVERNMENT_FILES,
)

CLOUDS: Final[dict[str, Cloud]] = {cloud.id: cloud for cloud in (COMMERCIAL, GCC, GCC_HIGH, DOD)}


def get(cloud_id: str) -> Cloud:
    """Return a cloud by its id: commercial, gcc, gcc_high or dod."""
    try:
        return CLOUDS[cloud_id]
    except KeyError:
        raise InvalidArgument(
            f"There is no cloud {cloud_id!r}.",
            advice=f"Choose one of {', '.join(CLOUDS)}. China (21Vianet) has no Defender for Endpoint API.",
        ) from None
