import httpx
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization, signed_in
from contoso import Contoso
from microsoft import aadsts
from ringfence.accounts import records
from ringfence.accounts.budgets import StoredBudgets
from ringfence.accounts.proof import NEEDED_ROLES
from ringfence.defender import OPERATIONS, CallBudget
from ringfence.storage import Database
from ringfence.storage.tables import accounts
from webfixtures import csrf
from webserver import Asked


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


NEW = {
    "name": "fabrikam",
    "tenant_id": "7a1f3c52-0c5e-4b8e-9d2f-0000000000aa",
    "client_id": "7a1f3c52-0c5e-4b8e-9d2f-0000000000bb",
    "secret": "s3cret~of-fabrikam",
    "features": ["users"],
}


async def test_an_account_is_connected_only_if_it_works_or_kept_as_pending(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    wrong = aadsts(7000215, "invalid_client", 401)
    asked.microsoft.logins = [wrong, wrong, signed_in(), signed_in(())]
    refused = await client.post("/api/v1/accounts", json=NEW, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "account_not_proven")
    assert "AADSTS7000215" in refused.text
    kept = await client.post("/api/v1/accounts", json={**NEW, "keep": True}, headers=headers)
    assert (kept.status_code, kept.json()["account"]["state"]) == (201, "pending")
    gone = await client.delete(f"/api/v1/accounts/{kept.json()['account']['id']}", headers=headers)
    assert gone.status_code == 204
    made = await client.post("/api/v1/accounts", json=NEW, headers=headers)
    assert (made.status_code, made.json()["account"]["state"], made.json()["ok"]) == (201, "healthy", True)
    assert "s3cret" not in refused.text + kept.text + made.text
    neither = await client.post("/api/v1/accounts", json={**NEW, "secret": ""}, headers=headers)
    assert "Give one of them." in neither.text
    inside = {**NEW, "name": "x", "login_url": "https://10.0.0.1", "api_url": "https://10.0.0.1"}
    assert (await client.post("/api/v1/accounts", json=inside, headers=headers)).status_code == 403


async def test_an_account_is_changed_tested_and_switched_by_whoever_has_seen_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    asked.microsoft.logins = [signed_in(), signed_in(())]
    made = (await client.post("/api/v1/accounts", json=NEW, headers=headers)).json()["account"]
    address = f"/api/v1/accounts/{made['id']}"
    seen = (await client.get(address)).headers["etag"]
    changed = await client.patch(address, json={"features": ["hunting"]}, headers={**headers, "If-Match": seen})
    assert changed.json()["features"] == ["contain", "hunting"]
    late = await client.patch(address, json={"name": "other"}, headers={**headers, "If-Match": seen})
    assert late.status_code == 412
    assert (await client.post(f"{address}/disable", headers=headers)).json()["state"] == "disabled"
    asked.microsoft.logins = [signed_in()]
    enabled = (await client.post(f"{address}/enable", headers=headers)).json()
    # Hunting is wanted now, and was not granted.
    assert (enabled["account"]["state"], enabled["ok"]) == ("degraded", False)
    lacking = (await client.get(f"{address}/permissions")).json()
    assert [each["permission"] for each in lacking["missing"]] == ["AdvancedQuery.Read.All"]
    asked.microsoft.logins = [signed_in([*NEEDED_ROLES, "AdvancedQuery.Read.All"]), signed_in(())]
    tested = (await client.post(f"{address}/test", headers=headers)).json()
    assert tested["account"]["state"] == "healthy"
    assert [each["kind"] for each in (await client.get(f"{address}/uses")).json()["items"]] == ["service"]
    history = [each["event"] for each in (await client.get(f"{address}/history")).json()["items"]]
    assert history[:2] == ["account:proven", "account:degraded"]
    assert (await client.delete(address, headers=headers)).status_code == 409
