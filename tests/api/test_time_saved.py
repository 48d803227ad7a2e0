import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.storage import Database
from ringfence.storage.tables import runs
from webfixtures import csrf


async def test_time_saved_is_given_with_its_worth(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    statement = sa.update(runs).where(runs.c.id == contoso.run_id).values(minutes_saved=90.0)
    embedded.run_now(lambda tx: tx.execute(statement))
    headers = {"x-csrf-token": csrf(client, embedded)}
    made = await client.put("/api/v1/time-saved/rate", json={"rate": 80, "currency": "eur"}, headers=headers)
    assert made.json() == {"rate": 80.0, "currency": "EUR"}
    found = (await client.get("/api/v1/time-saved")).json()
    assert (found["hours"], found["worth"], found["shares"][0]["playbook"]) == (1.5, 120.0, "Contain ransomware")
    wrong = await client.put("/api/v1/time-saved/rate", json={"rate": -1, "currency": "EUR"}, headers=headers)
    assert wrong.status_code in (400, 422)
    assert (await client.get("/api/v1/time-saved?days=0.001")).json()["minutes"] == 0
