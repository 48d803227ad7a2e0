from typing import Any

import httpx
import pytest

from ringfence.simulator.tenant import Tenant


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_a_tag_comes_once_and_goes(http: httpx.AsyncClient, machine_id: str) -> None:
    for action, expected in (("Add", ["VIP"]), ("Add", ["VIP"]), ("Remove", []), ("Remove", [])):
        reply = await http.post(f"/api/machines/{machine_id}/tags", json={"Value": "VIP", "Action": action})
        assert (reply.status_code, reply.json()["machineTags"]) == (200, expected)


async def test_a_tag_is_given_to_several_machines_or_to_none(http: httpx.AsyncClient, contoso: Tenant) -> None:
    keys = list(contoso.machines)[:2]
    path = "/api/machines/AddOrRemoveTagForMultipleMachines"
    reply = await http.post(path, json={"Value": "Lab", "Action": "Add", "MachineIds": [*keys, keys[0]]})
    assert [machine["id"] for machine in reply.json()["value"]] == keys
    unknown = await http.post(path, json={"Value": "No", "Action": "Add", "MachineIds": [keys[0], "f" * 40]})
    assert _code(unknown) == (404, "ResourceNotFound")
    found = (await http.get("/api/machines/findbytag?tag=Lab")).json()["value"]
    assert {machine["id"] for machine in found} == set(keys)
    assert (await http.get("/api/machines/findbytag?tag=No")).json()["value"] == []
    many = await http.post(path, json={"Value": "x", "Action": "Add", "MachineIds": ["x"] * 501})
    assert many.json()["error"]["message"] == "Maximum batch size exceeded. Received: 501, allowed: 500."


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("tags", {"Value": "x"}, "MissingRequiredParameter"),
        ("tags", {"value": "x", "Action": "Add"}, "MissingRequiredParameter"),
        ("tags", {"Value": "x", "Action": "add"}, "InvalidRequestBody"),
        ("setDeviceValue", {}, "MissingRequiredParameter"),
        ("setDeviceValue", {"DeviceValue": "Highest"}, "InvalidRequestBody"),
    ],
)
async def test_wrong_bodies_are_refused(
    http: httpx.AsyncClient, machine_id: str, path: str, body: Any, code: str
) -> None:
    assert _code(await http.post(f"/api/machines/{machine_id}/{path}", json=body)) == (400, code)


async def test_the_value_of_a_machine_is_set(http: httpx.AsyncClient, machine_id: str) -> None:
    reply = await http.post(f"/api/machines/{machine_id}/setDeviceValue", json={"DeviceValue": "High"})
    assert reply.json()["deviceValue"] == "High"
    assert (await http.get(f"/api/machines/{machine_id}")).json()["deviceValue"] == "High"


async def test_an_update_replaces_the_tags_and_leaves_out_what_is_not_named(
    http: httpx.AsyncClient, machine_id: str
) -> None:
    url = f"/api/machines/{machine_id}"
    first = (await http.patch(url, json={"machineTags": ["A", "B", "A"], "deviceValue": "Low"})).json()
    assert (first["machineTags"], first["deviceValue"]) == (["A", "B"], "Low")
    second = (await http.patch(url, json={"machineTags": ["C"], "deviceValue": None})).json()
    assert (second["machineTags"], second["deviceValue"]) == (["C"], "Low")
    assert (await http.patch(url, json={})).json()["machineTags"] == ["C"]
    assert _code(await http.patch(url, json={"MachineTags": []})) == (400, "InvalidRequestBody")
    assert _code(await http.patch(url, json={"machineTags": "C"})) == (400, "InvalidRequestBody")
