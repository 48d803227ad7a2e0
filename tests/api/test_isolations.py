import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence import clock
from ringfence.storage import Database
from ringfence.storage.tables import reconciliations


async def names(client: httpx.AsyncClient, query: str) -> list[str]:
    reply = await client.get(f"/api/v1/isolations?{query}")
    assert reply.status_code == 200, reply.text
    return [item["machine_name"].split(".")[0] for item in reply.json()["items"]]


async def test_isolations_are_filtered_and_paged(client: httpx.AsyncClient) -> None:
    assert await names(client, "") == ["fin-ws-014", "lab-ws-009", "mkt-ws-004", "ops-ws-002"]
    assert await names(client, "foreign=false") == ["fin-ws-014"]
    assert await names(client, "foreign=true&text=disruption") == ["ops-ws-002"]
    assert await names(client, "attention=true") == ["lab-ws-009", "mkt-ws-004"]
    assert await names(client, "state=free") == []
    first = (await client.get("/api/v1/isolations?limit=3")).json()
    assert await names(client, f"cursor={first['next']}") == ["ops-ws-002"]
    assert (await client.get("/api/v1/isolations?state=odd")).status_code == 400


async def test_an_isolation_says_whose_it_is_and_what_is_wrong(client: httpx.AsyncClient, contoso: Contoso) -> None:
    by_name = {item["machine_name"]: item for item in (await client.get("/api/v1/isolations")).json()["items"]}
    ours, theirs = by_name["fin-ws-014.contoso.com"], by_name["mkt-ws-004.contoso.com"]
    assert (ours["origin"], ours["owner"], ours["foreign"]) == ("ringfence", "Ringfence", False)
    assert (ours["containment_id"], ours["problem"]) == (contoso.containment_id, "")
    assert (theirs["origin"], theirs["foreign"], theirs["drift"]) == ("tool", True, "isolated_again")
    assert "isolated it again" in theirs["problem"]


async def test_orphans_come_with_whom_to_ask(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/isolations/orphans?older_than_hours=1")).json()["items"]
    orphan = next(each for each in found if each["isolation"]["machine_name"] == "lab-ws-009.contoso.com")
    assert orphan["ask"] == "diego.siciliani@contoso.com (Portal)"
    assert "no open incident is about it" in orphan["why"]
    assert (await client.get("/api/v1/isolations/orphans?older_than_hours=-1")).status_code == 400


async def test_readings_say_when_each_tenant_was_looked_at(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    now = clock.now()
    row = {"account_id": contoso.account_id, "tried_at": now, "read_at": now, "error": ""}
    embedded.run_now(lambda tx: tx.execute(sa.insert(reconciliations).values(row)))
    (reading,) = (await client.get("/api/v1/isolations/readings")).json()["items"]
    assert reading["read_at"] == reading["tried_at"]
    assert reading["error"] == ""
