"""The actions, as the API tells them."""

import httpx

from ringfence.storage import Database
from webfixtures import csrf
from webserver import Asked


async def test_actions_are_listed_filtered_and_shown_with_an_example(client: httpx.AsyncClient) -> None:
    first = (await client.get("/api/v1/actions?limit=3")).json()
    assert [each["id"] for each in first["items"]] == sorted(each["id"] for each in first["items"])
    assert first["next"]
    cutting = (await client.get("/api/v1/actions?effect=contain")).json()["items"]
    assert "containment.contain" in {each["id"] for each in cutting}
    found = (await client.get("/api/v1/actions?connector=table&text=LOOK")).json()["items"]
    assert [each["id"] for each in found] == ["table.lookup"]
    one = (await client.get("/api/v1/actions/defender.get_machine")).json()
    assert (one["effect"], one["inputs"]["type"]) == ("read", "object")
    assert "defender.get_machine" in one["example"]
    assert (await client.get("/api/v1/actions/none")).status_code == 404
    assert (await client.get("/api/v1/actions?effect=magic")).status_code == 400


async def test_an_action_is_carried_out_by_hand_in_the_name_of_who_asks(
    client: httpx.AsyncClient, embedded: Database, asked: Asked
) -> None:
    address, key = "/api/v1/actions/containment.contain/run", {"Idempotency-Key": "case-4711"}
    wanted = {"account": "contoso", "with": {"machine": "fin-ws-014", "reason": "Ransomware"}}
    assert (await client.post(address, json=wanted)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    first = await client.post(address, json=wanted, headers=key)
    assert (first.status_code, first.json()["outcome"]) == (202, None)
    assert first.json()["going_on"] == {"kind": "containment", "id": asked.answer}
    again = await client.post(address, json=wanted, headers=key)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert asked.acted == [("containment.contain", wanted["with"], "contoso", "megan.bowen")]
    read = await client.post("/api/v1/actions/time.parse/run", json={"with": {"text": "2026-03-02"}})
    assert (read.status_code, read.json()["output"]) == (200, {"text": "2026-03-02"})
    asked.refuse = "Defender says no."
    refused = await client.post(address, json=wanted)
    assert (refused.status_code, refused.json()["detail"]) == (409, "Defender says no.")
    assert (await client.post(address, json={"inputs": {}})).status_code == 400
