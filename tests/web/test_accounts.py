import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.accounts import records
from ringfence.accounts.budgets import StoredBudgets
from ringfence.defender import OPERATIONS, CallBudget
from ringfence.storage import Database
from ringfence.storage.tables import accounts


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
    assert "ringfence account add" in page


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
