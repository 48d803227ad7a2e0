"""Where this installation may connect to on behalf of its people: not into its own network, unless the operator allows it.

The address is looked at when the connection is made, after every name was resolved and every redirect followed, by an audit
hook of Python (PEP 578): what a name meant a moment before, or what a library does inside, makes no difference.
"""

import ipaddress
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from ringfence.errors import Forbidden, Misconfigured

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NUMBER = re.compile(r"0x[0-9a-f]{1,8}|[1-9][0-9]{0,9}")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass
class _Guard:
    allowed: tuple[Network, ...]
    refused: str | None = None


_guard: ContextVar[_Guard | None] = ContextVar("ringfence_egress", default=None)


class Refused(Forbidden):
    """A connection into a network that is not open to this."""

    code = "egress_refused"


def networks(text: str) -> tuple[Network, ...]:
    """Read networks (`10.1.0.0/16, fd00::/8`, or single addresses) from a setting; Misconfigured for anything else."""
    found: list[Network] = []
    for part in text.replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise Misconfigured(
                f"{part[:60]!r} is not a network.", advice="Write RINGFENCE_EGRESS_PRIVATE as 10.1.0.0/16, 127.0.0.1."
            ) from None
    return tuple(found)


def written(host: str) -> str | None:
    """Return the IP address that a host is, as far as it says so itself; None for a name that has to be resolved."""
    host = host.strip().strip("[]").casefold().removeprefix("ipv6:").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        # 0x7f000001 and 2130706433 are ways to write an address, too.
        number = int(host, 0) if _NUMBER.fullmatch(host) else 1 << 32
        return str(ipaddress.IPv4Address(number)) if number < 1 << 32 else None


def open_to(address: str, allowed: tuple[Network, ...]) -> bool:
    """Say whether an IP address may be connected to: it is public, or one of the networks holds it."""
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(found in network for network in allowed if network.version == found.version):
        return True
    inner = _inner(found)
    if inner is not None:
        return open_to(str(inner), allowed)
    return found.is_global and not found.is_multicast


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address carries a connection to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


@contextmanager
def guarded(allowed: tuple[Network, ...]) -> Iterator[None]:
    """Let this thread or task connect to public addresses and those networks only; Refused for any other."""
    _install()
    guard = _Guard(allowed)
    token = _guard.set(guard)
    try:
        yield
    except Exception:
        if guard.refused is None:
            raise
        raise _refused(guard.refused) from None
    else:
        # A library may have caught what the hook raised and called it anything.
        if guard.refused is not None:
            raise _refused(guard.refused)
    finally:
        _guard.reset(token)


def _refused(host: str) -> Refused:
    return Refused(
        f"Connecting to {host} is not allowed: it is not a public address.",
        advice="If it is meant, ask who runs the server to name it in RINGFENCE_EGRESS_PRIVATE.",
    )


@cache
def _install() -> None:
    # Once: an audit hook cannot be taken out again. It does nothing where nobody is guarded.
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    guard = _guard.get()
    if guard is None:
        return
    _, address = arguments
    # Anything but an internet address is a socket of this machine.
    host = str(address[0]) if isinstance(address, tuple) else ""
    if not open_to(host, guard.allowed):
        guard.refused = host or "a local socket"
        # As the operating system would say it, so that whoever connects closes its socket.
        raise PermissionError(f"Connecting to {guard.refused} is not allowed.")
