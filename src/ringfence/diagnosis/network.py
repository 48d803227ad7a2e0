"""The network: whether Microsoft answers, whether its clock is ours, and whether our own networks are closed to playbooks."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from ringfence import clock
from ringfence.diagnosis.model import Finding, failure, ok, warning
from ringfence.errors import Misconfigured
from ringfence.security import egress
from ringfence.settings import Settings

SECONDS: Final = 10.0
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SKEW: Final = 120.0
_PRIVATE: Final = ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "::1", "fd00::1")


async def reach(origins: Sequence[str], transport: httpx.AsyncBaseTransport | None) -> list[Finding]:
    """Ask each host for anything at all, and compare the time that it says with ours."""
    async with httpx.AsyncClient(transport=transport, timeout=SECONDS, follow_redirects=False) as client:
        found = await asyncio.gather(*(_ask(client, each) for each in origins))
    return [each for findings in found for each in findings]


async def _ask(client: httpx.AsyncClient, origin: str) -> list[Finding]:
    try:
        answer = await client.get(origin)
    except httpx.HTTPError as error:
        advice = "Open the firewall or set HTTPS_PROXY, so that this machine reaches it."
        return [failure("network", f"{origin} cannot be reached: {type(error).__name__}.", advice)]
    findings = [ok("network", f"{origin} answers.")]
    there = _said(answer.headers.get("date", ""))
    if there is not None:
        seconds = abs((clock.now() - there).total_seconds())
        if seconds > _SKEW:
            said = f"Our clock differs from that of {origin} by {seconds:.0f} seconds: tokens will be refused."
            findings.append(failure("clock", said, "Let this machine follow a time server (NTP)."))
        else:
            findings.append(ok("clock", f"Our clock agrees with that of {origin}."))
    return findings


def _said(date: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(date)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def heads(settings: Settings) -> Iterator[Finding]:
    """Look at whether the signed heads of the audit log go to a syslog server by TLS."""
    parts = urlsplit(settings.audit_head_syslog or "")
    if parts.scheme in ("tcp", "udp") and parts.hostname not in _HERE:
        yield warning(
            "audit heads",
            f"The heads of the audit log go to {parts.hostname} without TLS: on the way they can be read and left out.",
            "Write RINGFENCE_AUDIT_HEAD_SYSLOG as tls://log.contoso.com:6514.",
        )


def closed(settings: Settings) -> Iterator[Finding]:
    """Look at whether playbooks and notifications are kept out of our own networks."""
    try:
        allowed = egress.networks(settings.egress_private)
    except Misconfigured as error:
        yield failure("egress", error.message, error.advice)
        return
    wide = [str(each) for each in allowed if each.num_addresses > 65_536]
    reachable = [each for each in _PRIVATE if egress.open_to(each, allowed)]
    if "169.254.169.254" in reachable:
        yield failure(
            "egress",
            "Playbooks may reach 169.254.169.254, where cloud machines give out credentials.",
            "Take it out of RINGFENCE_EGRESS_PRIVATE.",
        )
    if wide:
        said = f"Playbooks and notifications may reach whole private networks: {', '.join(wide)}."
        yield warning("egress", said, "Name single addresses or small networks in RINGFENCE_EGRESS_PRIVATE.")
    elif allowed:
        yield ok("egress", f"Private networks are closed to playbooks but for {', '.join(map(str, allowed))}.")
    else:
        yield ok("egress", "Private networks are closed to playbooks and notifications.")
