import httpx

from contoso import Contoso
from ringfence.runs import cancelling
from ringfence.storage import Database


async def test_a_run_is_asked_to_end_with_the_reason_and_the_name_of_who_asked(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/api/v1/runs/{contoso.live_run_id}/cancel"
    answer = await client.post(address, json={"reason": " A false alarm "})
    assert (answer.status_code, answer.json()) == (202, {"run_id": contoso.live_run_id, "status": "waiting"})
    wanted = embedded.read_now(lambda tx: cancelling.of(tx, contoso.live_run_id))
    assert wanted is not None
    assert wanted.reason == "A false alarm"
    assert wanted.by


async def test_what_is_over_or_unknown_cannot_be_cancelled(client: httpx.AsyncClient, contoso: Contoso) -> None:
    over = await client.post(f"/api/v1/runs/{contoso.run_id}/cancel", json={})
    assert (over.status_code, over.json()["detail"]) == (409, over.json()["detail"])
    assert "ended already" in over.text
    assert (await client.post("/api/v1/runs/unknown/cancel", json={})).status_code == 404
    assert (await client.post(f"/api/v1/runs/{contoso.run_id}/cancel", json={"why": "x"})).status_code == 400
