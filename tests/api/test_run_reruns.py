import httpx

from contoso import Contoso
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_run_is_done_again_once_for_a_key_after_a_look_at_what_that_does(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/api/v1/runs/{contoso.run_id}/rerun"
    preview = (await client.get(f"{address}?step=release")).json()
    assert [part["name"] for part in preview["again"] if part["outside"]] == ["release"]
    assert len(preview["sentences"]) == 3
    assert (await client.post(address, json={})).status_code == 403
    headers = {"x-csrf-token": csrf(client, embedded), "idempotency-key": "k1"}
    first = await client.post(address, json={"steps": ["release"]}, headers=headers)
    again = await client.post(address, json={"steps": ["release"]}, headers=headers)
    assert (first.status_code, again.json()) == (202, first.json())
    run = (await client.get(f"/api/v1/runs/{first.json()['run_id']}")).json()
    assert (run["rerun_of"], run["run_via"]) == (contoso.run_id, "api")
    assert run["run_credential"].startswith("session ")


async def test_what_cannot_be_done_again_is_refused(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert (await client.get(f"/api/v1/runs/{contoso.live_run_id}/rerun")).status_code == 409
    assert (await client.get("/api/v1/runs/none/rerun")).status_code == 404
    headers = {"x-csrf-token": csrf(client, embedded)}
    wrong = await client.post(f"/api/v1/runs/{contoso.run_id}/rerun", json={"steps": ["none"]}, headers=headers)
    assert wrong.status_code in (400, 422)
