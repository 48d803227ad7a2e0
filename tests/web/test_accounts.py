import httpx
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization, signed_in
from contoso import Contoso
from microsoft import aadsts
from ringfence.accounts import records
from ringfence.accounts.budgets import StoredBudgets
from ringfence.accounts.model import AccountState
from ringfence.defender import OPERATIONS, CallBudget
from ringfence.storage import Database
from ringfence.storage.tables import accounts
from webfixtures import csrf, form_fields
from webserver import VAULT, Asked


async def test_accounts_show_state_reason_and_polls(client: httpx.AsyncClient) -> None:
    page = (await client.get("/accounts")).text
    for words in ("contoso-gov", "AADSTS7000222", "Healthy", "Failing", "GCC High", "3 permissions", "not polled"):
        assert words in page, words


async def test_no_secret_is_on_the_page(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.update(accounts).values(secret_sealed="SEALED-SECRET")))
    assert "SEALED-SECRET" not in (await client.get("/accounts")).text
    assert "SEALED-SECRET" not in (await client.get("/")).text


async def test_without_accounts_the_page_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(accounts)))
    page = (await client.get("/accounts")).text
    assert "/accounts/new" in page


async def test_budgets_show_what_is_spent_what_is_left_and_how_long_microsoft_asks_to_wait(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    account = embedded.read_now(lambda tx: records.by_id(tx, contoso.account_id))
    budget = CallBudget(StoredBudgets(embedded), account.tenant_id, account.client_id, chance=lambda: 0.0)
    for _ in range(70):
        await budget.spend(OPERATIONS["get_machine"], patience=0.0)
    await budget.refused(OPERATIONS["run_advanced_query"], 30.0)
    page = (await client.get("/accounts")).text
    for words in ("70 of 100", "Defender for Endpoint", "none", "run_advanced_query", "Microsoft asked to wait until"):
        assert words in page, words
    assert "Microsoft Graph" not in page
    again = await client.get("/accounts", headers={"HX-Request-Type": "partial"})
    assert 'id="budgets"' in again.text


async def test_one_account_shows_what_it_needs_who_uses_it_and_what_became_of_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: records.mark_failed(tx, contoso.account_id, "The <b>secret</b> has expired."))
    page = (await client.get(f"/accounts/{contoso.account_id}")).text
    for words in (
        "Machine.Isolate",
        "User.Read.All",
        "Missing",
        "Granted",
        "Call budget",
        "Switch off",
        "Trigger service",
    ):
        assert words in page, words
    assert "The &lt;b&gt;secret&lt;/b&gt; has expired." in page
    assert "goes on by itself" in page
    theirs = a_stored_account(embedded, an_organization(embedded, "Fabrikam"))
    for path in (f"/accounts/{theirs.id}", f"/accounts/{theirs.id}/credentials", "/accounts/none"):
        assert (await client.get(path)).status_code == 404
    token = csrf(client, embedded)
    assert (await client.post(f"/accounts/{theirs.id}/disable", data={"csrf": token})).status_code == 404


async def test_people_test_change_switch_and_remove_accounts(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    token, organization = csrf(client, embedded), contoso.organization_id
    mine = a_stored_account(embedded, organization, name="fabrikam", state=AccountState.PENDING, proven_at=None)
    sealed = VAULT.seal(organization, f"account-secret:{mine.id}", "s3cret")
    embedded.run_now(
        lambda tx: tx.execute(sa.update(accounts).where(accounts.c.id == mine.id).values(secret_sealed=sealed))
    )

    async def do(what: str, **values: str) -> httpx.Response:
        return await client.post(f"/accounts/{mine.id}{what}", data={"csrf": token, **values})

    def state() -> AccountState:
        return embedded.read_now(lambda tx: records.by_id(tx, mine.id)).state

    asked.microsoft.logins = [aadsts(7000215, "invalid_client", 401)]
    assert (await do("/test")).status_code == 303
    assert state() is AccountState.PENDING
    opened = form_fields((await client.get(f"/accounts/{mine.id}")).text, "seen")
    typed = opened | {"name": "fabrikam two", "feature": "users", "expires_on": "2099-01-31"}
    assert (await do("", **typed)).status_code == 303
    late = await do("", **typed | {"name": "fabrikam three"})
    assert late.status_code == 412
    for words in ("Somebody has changed it", "What you typed is kept", 'value="fabrikam three"', 'value="2099-01-31"'):
        assert words in late.text, words
    opened = form_fields(late.text, "seen")
    changed = embedded.read_now(lambda tx: records.by_id(tx, mine.id))
    assert (changed.name, changed.features, changed.check_due_at) == ("fabrikam two", ("contain", "users"), None)
    assert "already is an account" in (await do("", name="contoso", **opened)).text
    assert "is no date" in (await do("", name="x", expires_on="soon")).text
    assert (await do("/disable")).status_code == 303
    asked.microsoft.logins = [signed_in()]
    assert (await do("/enable")).status_code == 303
    assert state() is AccountState.HEALTHY
    assert (await do("/contain")).status_code == 303
    assert "was in use" in (await do("/remove")).text
    pending = a_stored_account(embedded, organization, name="never", state=AccountState.PENDING, proven_at=None)
    gone = await client.post(f"/accounts/{pending.id}/remove", data={"csrf": token})
    assert gone.headers["location"] == "/accounts"
    assert (await client.get(f"/accounts/{pending.id}")).status_code == 404
