"""The real hosts that the simulator can stand in for (fact book, clouds)."""

import re

_EXACT = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "api.security.microsoft.com",
        "api-gcc.security.microsoft.us",
        "api-gov.security.microsoft.us",
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
    }
)
_REGIONAL = re.compile(
    r"[a-z]{2,4}\.api\.security\.microsoft\.com"
    r"|[a-z0-9-]{1,60}\.securitycenter\.(?:microsoft\.com|microsoft\.us|windows\.com)"
)

DOMAINS = (
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "security.microsoft.com",
    "security.microsoft.us",
    "securitycenter.microsoft.com",
    "securitycenter.microsoft.us",
    "securitycenter.windows.com",
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
)
"""The domains to which the local authority is confined; each stands for what lies below it as well."""

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Names of this machine, which the TLS port answers to as well."""


def stands_in_for(host: str) -> bool:
    """Tell whether a host is one of Microsoft's that the simulator answers for."""
    name = host.lower().rstrip(".")
    return name in _EXACT or _REGIONAL.fullmatch(name) is not None
