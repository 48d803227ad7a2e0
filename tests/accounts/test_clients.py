import asyncio
from dataclasses import replace

import pytest

from accounts_samples import SECRET, VAULT, a_page, a_stored_account, an_account, an_organization, clients_of, signed_in
from microsoft import Microsoft, answer, refused
from ringfence import clock
from ringfence.accounts import budgets, records
from ringfence.accounts.clients import Clients, cloud_of, purpose
from ringfence.accounts.model import AccountDisabled, AccountFailed, AccountState
from ringfence.defender import (
    BudgetSpent,
    InvalidArgument,
    Priority,
    Throttled,
    Unauthorized,
    WrongSecret,
    priority,
)
from ringfence.errors import NotFound
from ringfence.security.crypto import Unopenable, Vault
from ringfence.storage import Database


async def test_a_client_is_opened_once_however_many_ask(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    clients = clients_of(embedded, Microsoft())
    first, second = await asyncio.gather(clients.get(account.id), clients.get(account.id))
    assert first is second
    await clients.aclose()


async def test_a_changed_account_gets_a_new_client_while_the_one_before_can_finish(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    microsoft = Microsoft(otherwise=a_page(), logins=[signed_in(), signed_in(), signed_in()])
    clients = clients_of(embedded, microsoft)
    opened = []
    for _ in range(3):
        opened.append(await clients.get(account.id))
        later = clock.timestamp() + 10
        clock.replace(lambda later=later: later)  # type: ignore[misc]
        embedded.run_now(lambda tx: records.mark_failed(tx, account.id, "No."))
        embedded.run_now(lambda tx: records.mark_proven(tx, account.id, None))
    assert len(set(map(id, opened))) == 3
    with pytest.raises(RuntimeError):
        await opened[0].roles()
    assert await opened[1].roles() is not None
    await clients.aclose()
    with pytest.raises(RuntimeError):
        await opened[2].roles()


async def test_fifty_calls_at_once_sign_in_once_and_are_all_counted(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    microsoft = Microsoft(otherwise=answer({"id": "m"}), logins=[signed_in()])
    clients = clients_of(embedded, microsoft)

    async def call() -> None:
        await (await clients.get(account.id)).get_machine("m")

    with priority(Priority.CONTAIN):
        await asyncio.gather(*(call() for _ in range(50)))
    assert len(microsoft.sign_ins) == 1
    assert embedded.read_now(lambda tx: budgets.left(tx, account))[0].spent == 50
    await clients.aclose()


async def test_an_account_that_is_proven_again_goes_on_with_its_token_and_a_new_secret_signs_in_anew(
    embedded: Database,
) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    microsoft = Microsoft(otherwise=answer({"id": "m"}))
    clients = clients_of(embedded, microsoft)
    began = clock.timestamp()

    async def call(second: float) -> None:
        clock.replace(lambda: began + second)
        await (await clients.get(account.id)).get_machine("m")

    await call(0)
    embedded.run_now(lambda tx: records.mark_failed(tx, account.id, "No."))
    embedded.run_now(lambda tx: records.mark_proven(tx, account.id, None))
    await call(10)
    assert len(microsoft.sign_ins) == 1
    sealed = VAULT.seal(account.organization_id, purpose(account.id), "another~secret")
    clock.replace(lambda: began + 11)
    embedded.run_now(lambda tx: records.replace_credential(tx, replace(account, secret_sealed=sealed), None))
    await call(20)
    assert [each["client_secret"] for each in microsoft.sign_ins] == [[SECRET], ["another~secret"]]
    assert len(set(microsoft.tokens)) == 2
    await clients.aclose()


async def test_a_test_of_an_account_signs_in_by_itself_although_a_token_is_there(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    microsoft = Microsoft(otherwise=answer({"id": "m"}))
    clients = clients_of(embedded, microsoft)
    await (await clients.get(account.id)).get_machine("m")
    async with clients.make(account, SECRET) as fresh:
        await fresh.get_machine("m")
    assert len(microsoft.sign_ins) == 2
    await clients.aclose()


async def test_two_workers_share_what_the_tenant_grants_and_a_429_stops_both(database: Database) -> None:
    account = a_stored_account(database, an_organization(database))
    clock.replace(lambda: 1_800_000_000.0)
    throttled = refused(429, "429", "Slow down.", Retry_After="600")
    microsoft = Microsoft(throttled, otherwise=answer({"id": "m"}))
    first, second = clients_of(database, microsoft), clients_of(database, microsoft)
    with pytest.raises(Throttled):
        await (await first.get(account.id)).get_machine("m")
    with pytest.raises(BudgetSpent) as raised:
        await (await second.get(account.id)).get_machine("m")
    assert raised.value.retry_after == pytest.approx(600.0)
    assert len(microsoft.requests) == 1
    for clients in (first, second):
        await clients.aclose()


async def test_a_failed_or_disabled_account_is_refused_and_nothing_is_called(embedded: Database) -> None:
    organization = an_organization(embedded)
    failed = a_stored_account(embedded, organization, name="a", state=AccountState.FAILED, state_reason="It expired.")
    disabled = a_stored_account(embedded, organization, name="b", state=AccountState.DISABLED)
    microsoft = Microsoft()
    clients = clients_of(embedded, microsoft)
    with pytest.raises(AccountFailed, match="It expired"):
        await clients.get(failed.id)
    with pytest.raises(AccountDisabled):
        await clients.get(disabled.id)
    with pytest.raises(NotFound):
        await clients.get("no such account")
    assert microsoft.sign_ins == []


async def test_only_a_refused_credential_fails_the_account(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    clients = clients_of(embedded, Microsoft())
    assert not await clients.report(account.id, Throttled("slow down"))
    await clients.get(account.id)
    assert await clients.report(account.id, Unauthorized())
    with pytest.raises(AccountFailed):
        await clients.get(account.id)
    assert await clients.report(account.id, WrongSecret())
    reason = embedded.read_now(lambda tx: records.by_id(tx, account.id)).state_reason
    assert reason.startswith("The tenant does not accept this client secret. Enter the secret's VALUE")
    await clients.aclose()


async def test_a_secret_sealed_with_another_key_is_explained(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    clients = Clients(embedded, Vault(b"1" * 32))
    with pytest.raises(Unopenable, match=r"master\.key"):
        await clients.get(account.id)


def test_an_account_with_addresses_of_its_own_leaves_the_clouds_alone() -> None:
    assert cloud_of(an_account(cloud="gcc")).id == "gcc"
    own = cloud_of(an_account(login_url="http://127.0.0.1:9000", api_url="http://127.0.0.1:9001"))
    assert (own.authority, own.mde_host) == ("http://127.0.0.1:9000", "http://127.0.0.1:9001")
    with pytest.raises(InvalidArgument):
        cloud_of(an_account(login_url="http://login.contoso.com", api_url="http://api.contoso.com"))
