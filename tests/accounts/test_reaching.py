import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from accounts_samples import SECRET, VAULT, a_stored_account, an_account, an_organization
from ringfence.accounts import records
from ringfence.accounts.clients import Clients
from ringfence.accounts.model import AccountState
from ringfence.accounts.proof import prove
from ringfence.accounts.reaching import ClosedAddress, guard_of
from ringfence.accounts.service import Accounts
from ringfence.defender import RetryPolicy
from ringfence.security.egress import networks
from ringfence.storage import Database

OWN = {"login_url": "https://login.contoso.example", "api_url": "https://api.contoso.example"}


@pytest.fixture
async def rebound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name lead to this computer, whatever it meant when an account was entered."""

    async def inside(*_: Any, **__: Any) -> Sequence[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))]

    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside)


@pytest.mark.usefixtures("rebound")
async def test_a_name_that_changed_its_meaning_leads_nowhere_and_fails_the_account_until_it_is_right_again(
    embedded: Database,
) -> None:
    account = a_stored_account(embedded, an_organization(embedded), **OWN)
    clients = Clients(embedded, VAULT, retry=RetryPolicy(attempts=1))
    client = await clients.get(account.id)
    with pytest.raises(ClosedAddress) as caught:
        await client.get_machine("m")
    assert not caught.value.permanent
    assert "RINGFENCE_EGRESS_PRIVATE" in caught.value.advice
    assert not await clients.report(account.id, caught.value)
    await Accounts(embedded, VAULT, clients).prove(account.id)
    failed = embedded.read_now(lambda tx: records.by_id(tx, account.id))
    assert failed.state is AccountState.FAILED
    assert "127.0.0.1 is not allowed" in failed.state_reason
    await clients.aclose()


@pytest.mark.usefixtures("rebound")
async def test_a_network_that_the_operator_opened_is_reached(embedded: Database) -> None:
    clients = Clients(embedded, VAULT, retry=RetryPolicy(attempts=1), allowed=networks("127.0.0.0/8"))
    async with clients.make(an_account(**OWN), SECRET) as client:
        report = await prove(client)
    # Nobody listens there: it was tried.
    assert "could not be reached" in report.checks[0].sentence
    assert report.checks[0].temporary


def test_microsofts_own_hosts_and_addresses_written_as_numbers_are_not_asked_about() -> None:
    with guard_of(an_account(), ())(), socket.socket() as plain:
        assert plain.connect_ex(("127.0.0.1", 9)) != 0
    for host in ("localhost", "127.0.0.1"):
        here = an_account(login_url=f"http://{host}:1", api_url=f"http://{host}:1")
        with guard_of(here, ())(), socket.socket() as plain:
            assert plain.connect_ex(("127.0.0.1", 9)) != 0
    with pytest.raises(ClosedAddress), guard_of(an_account(**OWN), ())(), socket.socket() as plain:
        plain.connect(("127.0.0.1", 9))


def test_where_a_proxy_of_the_environment_connects_its_rules_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://10.0.0.1:3128")
    with guard_of(an_account(**OWN), ())(), socket.socket() as plain:
        assert plain.connect_ex(("127.0.0.1", 9)) != 0
    monkeypatch.setenv("no_proxy", "contoso.example")
    with pytest.raises(ClosedAddress), guard_of(an_account(**OWN), ())(), socket.socket() as plain:
        plain.connect(("127.0.0.1", 9))
