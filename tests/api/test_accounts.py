import httpx
import sqlalchemy as sa

from contoso import Contoso
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
