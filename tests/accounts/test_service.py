from dataclasses import replace

import httpx
import pytest

from accounts_samples import NEW, SECRET, VAULT, a_page, accounts_of, an_organization, clients_of, signed_in
from microsoft import Microsoft, aadsts
from ringfence.accounts import records
from ringfence.accounts.clients import purpose
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.permissions import Wish
from ringfence.accounts.proof import NEEDED_ROLES
from ringfence.accounts.service import Accounts, NotProven
from ringfence.errors import Conflict, Invalid, Outdated
from ringfence.services import records as services
from ringfence.services import service as deciding
from ringfence.services.service import Wanted
from ringfence.storage import Database

WRONG = aadsts(7000215, "invalid_client", 401)


def working(*logins: httpx.Response) -> Microsoft:
    return Microsoft(otherwise=a_page(), logins=logins or [signed_in()])


async def test_an_account_that_works_is_saved_as_healthy_with_its_secret_sealed(database: Database) -> None:
    organization = an_organization(database)
    account, report = await accounts_of(database, working()).add(organization, NEW)
    assert report.ok
    assert database.read_now(lambda tx: records.by_name(tx, organization, "contoso")) == account
    assert account.state is AccountState.HEALTHY
    assert account.roles == tuple(NEEDED_ROLES)
    assert account.proven_at is not None
    assert SECRET not in account.secret_sealed
    assert VAULT.open(organization, purpose(account.id), account.secret_sealed) == SECRET


async def test_an_account_that_does_not_work_is_not_saved(database: Database) -> None:
    organization = an_organization(database)
    with pytest.raises(NotProven, match="does not accept this client secret") as caught:
        await accounts_of(database, working(WRONG)).add(organization, NEW)
    assert caught.value.report.refuted
    assert SECRET not in str(caught.value)
    assert database.read_now(lambda tx: records.every(tx, organization)) == []


async def test_an_account_saved_anyway_is_pending_with_the_reason_and_healthy_once_it_is_proven(
    database: Database,
) -> None:
    organization = an_organization(database)
    accounts = accounts_of(database, working(WRONG, WRONG, signed_in()))
    account, report = await accounts.add(organization, NEW, save_anyway=True)
    assert (account.state, account.proven_at) == (AccountState.PENDING, None)
    assert account.state_reason == report.reason
    assert [check["ok"] for check in account.checks] == [False]
    assert (await accounts.prove(account.id)).refuted
    assert database.read_now(lambda tx: records.by_id(tx, account.id)).state is AccountState.PENDING
    assert (await accounts.prove(account.id)).ok
    assert database.read_now(lambda tx: records.by_id(tx, account.id)).state is AccountState.HEALTHY


async def test_what_was_pasted_with_blanks_around_it_is_used_without_them(embedded: Database) -> None:
    microsoft = working()
    new = replace(NEW, name=" contoso ", secret=f" {SECRET}\n", client_id=f"{NEW.client_id} ")
    account, _ = await accounts_of(embedded, microsoft).add(an_organization(embedded), new)
    assert account.name == "contoso"
    assert microsoft.sign_ins[0]["client_secret"] == [SECRET]


async def test_a_taken_name_is_refused_before_anybody_is_asked(embedded: Database) -> None:
    organization = an_organization(embedded)
    await accounts_of(embedded, working()).add(organization, NEW)
    microsoft = working()
    with pytest.raises(Conflict, match="already is an account"):
        await accounts_of(embedded, microsoft).add(organization, NEW)
    assert microsoft.sign_ins == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (replace(NEW, name=" "), "cannot be an account's name"),
        (replace(NEW, tenant_id=""), "tenant id is empty"),
        (replace(NEW, secret="  "), "client secret is empty"),
        (replace(NEW, secret="a\x00b"), "cannot be seen"),
        (replace(NEW, tenant_id="common"), "not one tenant"),
        (replace(NEW, tenant_id="../evil"), "malformed"),
        (replace(NEW, cloud="china"), "no cloud 'china'"),
        (replace(NEW, login_url="https://login.contoso.com"), "Only one of the two addresses"),
        (replace(NEW, login_url="http://contoso.com", api_url="http://contoso.com"), "plain http"),
    ],
)
async def test_values_that_cannot_be_used_are_refused_with_advice(
    embedded: Database, new: NewAccount, said: str
) -> None:
    microsoft = Microsoft()
    with pytest.raises(Invalid, match=said) as caught:
        await accounts_of(embedded, microsoft).add(an_organization(embedded), new, save_anyway=True)
    assert caught.value.advice
    assert microsoft.sign_ins == []


async def test_a_test_that_finds_the_secret_refused_fails_the_account(database: Database) -> None:
    organization = an_organization(database)
    accounts = accounts_of(database, working(signed_in(), signed_in(), aadsts(7000222, "invalid_client", 401)))
    account, _ = await accounts.add(organization, NEW)
    assert (await accounts.test(organization, "contoso")).refuted
    failed = database.read_now(lambda tx: records.by_id(tx, account.id))
    assert failed.state is AccountState.FAILED
    assert "expired" in failed.state_reason


async def test_an_unreachable_host_leaves_a_healthy_account_healthy(embedded: Database) -> None:
    organization = an_organization(embedded)
    microsoft = Microsoft(a_page(), a_page(), otherwise=httpx.ConnectError("no route"), logins=[signed_in()] * 2)
    accounts = accounts_of(embedded, microsoft)
    account, _ = await accounts.add(organization, NEW)
    report = await accounts.test(organization, "contoso")
    assert not report.ok
    assert embedded.read_now(lambda tx: records.by_id(tx, account.id)).state is AccountState.HEALTHY


async def test_a_renewed_secret_is_proven_before_it_replaces_the_old_one(embedded: Database) -> None:
    organization = an_organization(embedded)
    accounts = accounts_of(embedded, working(signed_in(), signed_in(), WRONG, signed_in()))
    account, _ = await accounts.add(organization, NEW)
    with pytest.raises(NotProven):
        await accounts.renew(organization, "contoso", "wr0ng~value")
    kept = embedded.read_now(lambda tx: records.by_id(tx, account.id))
    assert VAULT.open(organization, purpose(account.id), kept.secret_sealed) == SECRET
    assert kept.state is AccountState.HEALTHY
    await accounts.renew(organization, "contoso", " n3w~value ")
    renewed = embedded.read_now(lambda tx: records.by_id(tx, account.id))
    assert VAULT.open(organization, purpose(account.id), renewed.secret_sealed) == "n3w~value"
    assert renewed.updated_at >= kept.updated_at


def test_a_new_account_never_shows_its_secret() -> None:
    assert SECRET not in repr(NEW)


async def test_the_shared_network_outlives_the_clients_that_use_it(embedded: Database) -> None:
    microsoft = working(*[signed_in() for _ in range(4)])
    clients = clients_of(embedded, microsoft)
    for name in ("a", "b"):
        async with clients.make((await _added(embedded, microsoft, name)), SECRET) as client:
            assert await client.roles() is not None


async def _added(database: Database, microsoft: Microsoft, name: str) -> Account:
    organization = an_organization(database, name)
    microsoft.logins.insert(0, signed_in())
    account, _ = await accounts_of(database, microsoft).add(organization, replace(NEW, name=name))
    return account


async def test_a_second_account_of_a_tenant_is_warned_of(embedded: Database) -> None:
    organization = an_organization(embedded)
    accounts = accounts_of(embedded, working(*[signed_in() for _ in range(4)]))
    _, first = await accounts.add(organization, NEW)
    _, second = await accounts.add(organization, replace(NEW, name="again", tenant_id=NEW.tenant_id.upper()))
    assert first.warnings == ()
    assert "again and contoso read the same tenant" in second.warnings[0]
    assert "`ringfence service pause contoso`" in second.warnings[0]
    elsewhere = "7a1f3c52-0c5e-4b8e-9d2f-0000000000ff"
    _, other = await accounts.add(organization, replace(NEW, name="fabrikam", tenant_id=elsewhere))
    assert other.warnings == ()
    await accounts.disable(organization, "contoso")
    await accounts.disable(organization, "again")
    _, alone = await accounts.add(organization, replace(NEW, name="once more"))
    assert alone.warnings == ()


async def test_a_service_that_reads_graph_has_its_account_proven_there_too(embedded: Database) -> None:
    organization = an_organization(embedded)
    microsoft = Microsoft(*[a_page() for _ in range(5)], logins=[signed_in()] * 3 + [signed_in(["X.Read.All"])])
    accounts = accounts_of(embedded, microsoft)
    account, _ = await accounts.add(organization, NEW)
    (service,) = embedded.read_now(lambda tx: services.of_account(tx, account.id))
    embedded.run_now(lambda tx: deciding.edit(tx, service, Wanted(source="graph")))
    report = await accounts.test(organization, "contoso")
    assert not report.ok
    assert any("SecurityAlert.Read.All is missing" in check.sentence for check in report.checks)
    degraded = embedded.read_now(lambda tx: records.by_id(tx, account.id))
    assert (degraded.state, degraded.other_roles) == (AccountState.DEGRADED, {"graph": ["X.Read.All"]})
    assert "SecurityAlert.Read.All is missing" in degraded.state_reason


async def test_an_account_that_published_playbooks_name_keeps_its_name(embedded: Database) -> None:
    organization, microsoft = an_organization(embedded), working()
    wishes = [Wish("p-1", "Any alert", ()), Wish("p-2", "By name", (), by_name=True)]
    accounts = Accounts(embedded, VAULT, clients_of(embedded, microsoft), wishes=lambda tx, account: wishes)
    await accounts.add(organization, NEW)
    with pytest.raises(Conflict, match="name the account 'contoso': By name"):
        await accounts.change(organization, "contoso", rename="tier one")
    assert (await accounts.change(organization, "contoso", rename="contoso", features=["hunting"])).name == "contoso"
    wishes.pop()
    seen = records.edition(embedded.read_now(lambda tx: records.by_name(tx, organization, "contoso")))
    assert (await accounts.change(organization, "contoso", rename="tier one", seen=seen)).name == "tier one"
    with pytest.raises(Outdated):
        await accounts.change(organization, "tier one", features=[], seen=seen)
