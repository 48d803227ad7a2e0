"""Changing alerts by the API, and what could not be read as one."""

import httpx

from contoso import Contoso
from ringfence.runs.alert_changes import AlertChange
from ringfence.storage import Database
from webfixtures import csrf
from webserver import Asked


async def test_an_alert_is_changed_in_the_name_of_who_asks(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    address = f"/api/v1/alerts/{contoso.alert_id}"
    wanted = {"status": "Resolved", "classification": "TruePositive", "comment": "Reimaged."}
    assert (await client.patch(address, json=wanted)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    changed = await client.patch(address, json=wanted)
    assert (changed.status_code, changed.json()["id"]) == (200, contoso.alert_id)
    said = AlertChange(status="Resolved", classification="TruePositive", comment="Reimaged.")
    assert asked.changed == [(contoso.alert_id, said, "megan.bowen")]
    assert (await client.patch("/api/v1/alerts/none", json=wanted)).status_code == 404
    assert (await client.patch(address, json={"severity": "Low"})).status_code == 400


async def test_what_could_not_be_read_has_a_list(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/alerts/rejected")).json() == {"items": [], "next": None}
