"""Containing and releasing by the API."""

import httpx

from contoso import Contoso, seed
from ringfence.storage import Database
from webfixtures import csrf
from webserver import Asked

API = "/api/v1/containments"


async def test_a_host_is_contained_and_let_go_in_the_name_of_who_asks(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    wanted = {"target": " fin-ws-014 ", "reason": "Ransomware", "auto_release_after": 3600, "alert": contoso.alert_id}
    assert (await client.post(API, json=wanted)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    made = await client.post(API, json=wanted)
    assert (made.status_code, made.headers["location"]) == (201, f"{API}/{contoso.containment_id}")
    assert made.json()["id"] == contoso.containment_id
    assert asked.contained[0] == {
        "organization_id": contoso.organization_id,
        "target": "fin-ws-014",
        "isolation_type": "Full",
        "reason": "Ransomware",
        "account": None,
        "by": "megan.bowen",
        "auto_release": 3600.0,
        "force": False,
        "alert": contoso.alert_id,
    }
    assert (await client.post(f"{API}/{contoso.containment_id}/release", json={"reason": ""})).status_code == 400
    freed = await client.post(f"{API}/{contoso.containment_id}/release", json={"reason": "Clean."})
    assert freed.status_code == 200
    assert asked.released == [{"containment_id": contoso.containment_id, "reason": "Clean.", "by": "megan.bowen"}]


async def test_a_containment_of_another_organization_is_not_released(
    client: httpx.AsyncClient, embedded: Database, asked: Asked
) -> None:
    other = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    answer = await client.post(f"{API}/{other.containment_id}/release", json={"reason": "Clean."})
    assert (answer.status_code, asked.released) == (404, [])
