import httpx

from contoso import Contoso
from ringfence.runs import cancelling
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_run_is_asked_to_end_with_the_reason_and_the_name_of_who_asked(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/api/v1/runs/{contoso.live_run_id}/cancel"
    headers = {"x-csrf-token": csrf(client, embedded)}
    answer = await client.post(address, json={"reason": " A false alarm "}, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"run_id": contoso.live_run_id, "status": "waiting"})
    wanted = embedded.read_now(lambda tx: cancelling.of(tx, contoso.live_run_id))
    assert wanted is not None
    assert wanted.reason == "A false alarm"
    assert wanted.by


async def test_what_is_over_or_unknown_cannot_be_cancelled(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    headers = {"x-csrf-token": csrf(client, embedded)}
    over = await client.post(f"/api/v1/runs/{contoso.run_id}/cancel", json={}, headers=headers)
    assert over.status_code == 409
    assert "ended already" in over.text
    assert (await client.post("/api/v1/runs/unknown/cancel", json={}, headers=headers)).status_code == 404
    wrong = await client.post(f"/api/v1/runs/{contoso.live_run_id}/cancel", json={"why": "x"}, headers=headers)
    assert wrong.status_code == 400
