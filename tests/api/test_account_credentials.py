import httpx
import sqlalchemy as sa

from accounts_samples import signed_in
from contoso import Contoso
from microsoft import aadsts
from ringfence.storage import Database
from ringfence.storage.tables import accounts
from webfixtures import csrf
from webserver import VAULT, Asked


async def test_a_second_credential_is_added_proven_switched_to_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    sealed = VAULT.seal(contoso.organization_id, f"account-secret:{contoso.account_id}", "the-old-one")
    embedded.run_now(lambda tx: tx.execute(sa.update(accounts).values(secret_sealed=sealed, cloud="commercial")))
    headers, address = {"X-CSRF-Token": csrf(client, embedded)}, f"/api/v1/accounts/{contoso.account_id}"
    assert (await client.get(f"{address}/credential")).status_code == 404
    made = await client.post(f"{address}/credential", json={"secret": "n3w~value"}, headers=headers)
    assert (made.status_code, made.json()["stage"]) == (201, "new")
    asked.microsoft.logins = [aadsts(7000215, "invalid_client", 401)]
    assert (await client.post(f"{address}/credential/switch", headers=headers)).status_code == 400
    asked.microsoft.logins = [signed_in()]
    proven = (await client.post(f"{address}/credential/prove", headers=headers)).json()
    assert (proven["ok"], proven["credential"]["stage"]) == (True, "proven")
    asked.microsoft.logins = [signed_in()]
    switched = await client.post(f"{address}/credential/switch", headers=headers)
    assert switched.json()["account"]["state"] == "healthy"
    assert (await client.get(f"{address}/credential")).json()["stage"] == "old"
    assert (await client.delete(f"{address}/credential", headers=headers)).status_code == 204
    assert "n3w~value" not in made.text + switched.text


async def test_a_certificate_is_made_here_and_its_public_part_is_told(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    headers, address = {"X-CSRF-Token": csrf(client, embedded)}, f"/api/v1/accounts/{contoso.account_id}"
    both = await client.post(f"{address}/credential", json={"secret": "x", "generate": True}, headers=headers)
    assert both.status_code == 400
    made = await client.post(f"{address}/credential", json={"generate": True}, headers=headers)
    public = (await client.get(f"{address}/certificate")).json()
    assert public["thumbprint"] == made.json()["certificate_thumbprint"]
    assert "PRIVATE" not in made.text + public["pem"]
