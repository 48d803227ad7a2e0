import httpx

from contoso import Contoso


async def test_containments_are_filtered(client: httpx.AsyncClient, contoso: Contoso) -> None:
    live = (await client.get("/api/v1/containments?live=true")).json()["items"]
    assert {item["state"] for item in live} == {"pending", "contained", "releasing"}
    over = (await client.get("/api/v1/containments?live=false&text=dc-01")).json()["items"]
    assert [item["state"] for item in over] == ["denied"]
    found = (await client.get(f"/api/v1/containments?alert_id={contoso.alert_id}&run_id={contoso.live_run_id}")).json()
    assert [item["id"] for item in found["items"]] == [contoso.containment_id]


async def test_one_containment_comes_with_its_proof(client: httpx.AsyncClient, contoso: Contoso) -> None:
    one = (await client.get(f"/api/v1/containments/{contoso.containment_id}")).json()
    assert (one["desired"], one["observed"], one["live"]) == ("isolated", "isolated", True)
    assert one["verdict"]["allowed"] is True
    assert [event["after"] for event in one["events"]][-1] == "contained"
    assert one["holds"][0]["let_go_at"] is None
    pending = (await client.get(f"/api/v1/containments/{contoso.pending_id}")).json()
    assert (pending["desired"], pending["observed"]) == ("isolated", "unconfirmed")
