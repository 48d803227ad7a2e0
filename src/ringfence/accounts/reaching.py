"""Where an account with addresses of its own may connect to: looked at when each connection is made, not when it was entered.

A name that meant a public address when a person entered it may mean one of the server's own networks a minute later.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from ipaddress import ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ringfence.accounts.model import Account
from ringfence.defender import Unreachable
from ringfence.security.egress import Network, Refused, guarded, written

Guard = Callable[[], AbstractContextManager[None]]


class ClosedAddress(Unreachable):
    """A host's name leads into a network that is not open: nothing was sent, and it may lead elsewhere again later."""

    advice = (
        "Check the account's addresses and the DNS. If it is meant, ask who runs the server to name the network in "
        "RINGFENCE_EGRESS_PRIVATE."
    )


def guard_of(account: Account, allowed: tuple[Network, ...]) -> Guard:
    """Return what every request of an account is made in: Microsoft's own hosts are not looked at, other addresses are.

    An address that the account itself writes as numbers, or as localhost, cannot change its meaning. Where a proxy of the
    environment makes the connection, its rules count.
    """
    own = [url for url in (account.login_url, account.api_url, account.graph_url) if url]
    if not own or any(_by_proxy(url) for url in own):
        return nullcontext
    open_networks = (*allowed, *(network for url in own for network in _written(url)))

    @contextmanager
    def guard() -> Iterator[None]:
        try:
            with guarded(open_networks):
                yield
        except Refused as refused:
            raise ClosedAddress(refused.message) from None

    return guard


def _written(url: str) -> tuple[Network, ...]:
    address = written(urlsplit(url).hostname or "")
    if address is None:
        return ()
    found = ip_network(address)
    return (found, ip_network("::1")) if found.is_loopback else (found,)


def _by_proxy(url: str) -> bool:
    parts = urlsplit(url)
    proxies = getproxies()
    named = parts.scheme in proxies or "all" in proxies
    return named and written(parts.hostname or "") != "127.0.0.1" and not proxy_bypass(parts.netloc)
