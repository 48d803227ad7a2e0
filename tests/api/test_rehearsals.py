import httpx

from contoso import Contoso
from ringfence.storage import Database
from webfixtures import csrf
from webserver import Asked

TEXT = """\
ringfence: 1
name: Draft
trigger: {type: defender.alert, severity: [High]}
steps:
  cut: {action: containment.contain, with: {machine: "${trigger.alert.machineId}", reason: x, auto_release: 24 h}}
"""


async def test_a_dry_run_is_of_the_text_that_is_sent_or_of_what_is_published(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    address = "/api/v1/playbooks/Contain%20ransomware/dry-run"
    sent = await client.post(address, json={"alert": "da1", "source": TEXT, "assume": {"a": "b"}}, headers=token)
    assert sent.status_code == 200
    assert sent.json()["report"]["steps"][0]["said"][1] == "Policy allows it: Because."
    assert (await client.post(address, json={"alert": "da1"}, headers=token)).status_code == 200
    assert [each.text == TEXT for each in asked.tried] == [True, False]
    assert asked.tried[0].assumed == {"a": "b"}
    assert (await client.post(address, json={"alrt": "x"}, headers=token)).status_code == 400
    assert (await client.post("/api/v1/playbooks/none/dry-run", json={"alert": "x"}, headers=token)).status_code == 404
    assert (await client.post(address, json={"alert": "da1"})).status_code == 403


async def test_inputs_are_kept_for_a_playbook(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    address = f"/api/v1/playbooks/{contoso.playbook_id}/profiles"
    new = token | {"If-Match": '"0"'}
    assert (await client.put(f"{address}/usual", json={"alert": contoso.alert_id}, headers=token)).status_code == 428
    made = await client.put(f"{address}/usual", json={"alert": contoso.alert_id}, headers=new)
    assert (made.status_code, made.json()["playbook"], made.json()["account"]) == (200, "Contain ransomware", "contoso")
    assert [each["name"] for each in (await client.get(address)).json()["items"]] == ["usual"]
    read = await client.get(f"{address}/usual")
    assert (read.json(), read.headers["ETag"]) == (made.json(), made.headers["ETag"])
    seen = token | {"If-Match": read.headers["ETag"]}
    assert (await client.put(f"{address}/usual", json={"document": {"a": 1}}, headers=seen)).status_code == 200
    for late in (seen, new):
        assert (await client.put(f"{address}/usual", json={"document": {}}, headers=late)).status_code == 412
    assert (await client.get(f"{address}/usual")).json()["document"] == {"a": 1}
    assert (await client.put(f"{address}/usual", json={}, headers=new)).status_code == 400
    assert (await client.delete(f"{address}/usual", headers=token)).status_code == 204
    assert (await client.delete(f"{address}/usual", headers=token)).status_code == 404
