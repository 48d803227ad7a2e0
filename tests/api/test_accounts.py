import httpx
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from contoso import Contoso
from ringfence.accounts import records
from ringfence.accounts.budgets import StoredBudgets
from ringfence.defender import OPERATIONS, CallBudget
from ringfence.storage import Database
from ringfence.storage.tables import accounts


async def test_accounts_show_their_state_and_never_a_secret(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.update(accounts).values(secret_sealed="SEALED-SECRET")))
    answer = await client.get("/api/v1/accounts")
    assert [item["state"] for item in answer.json()["items"]] == ["healthy", "failed"]
    one = await client.get(f"/api/v1/accounts/{contoso.account_id}")
    assert one.json()["roles"] == ["Alert.ReadWrite.All", "Machine.Isolate", "Machine.Read.All"]
    assert "SEALED" not in answer.text + one.text


async def test_a_budget_shows_what_is_left_for_each_purpose_and_another_organization_has_none(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    account = embedded.read_now(lambda tx: records.by_id(tx, contoso.account_id))
    address = f"/api/v1/accounts/{contoso.account_id}/budget"
    before = (await client.get(address)).json()["items"][0]
    budget = CallBudget(StoredBudgets(embedded), account.tenant_id, account.client_id)
    await budget.spend(OPERATIONS["get_machine"], patience=0.0)
    await budget.refused(OPERATIONS["get_machine"], 30.0)
    minute = (await client.get(address)).json()["items"][0]
    assert (minute["api"], minute["operation"], minute["calls"], minute["seconds"]) == ("mde", None, 100, 60)
    assert minute["spent"] == before["spent"] + 1
    assert list(minute["left"]) == ["release", "contain", "confirm", "ingest", "enrich"]
    assert minute["left"]["release"] == 100 - minute["spent"]
    assert minute["closed_until"].endswith("Z")
    theirs = a_stored_account(embedded, an_organization(embedded, "Fabrikam"))
    assert (await client.get(f"/api/v1/accounts/{theirs.id}/budget")).status_code == 404
