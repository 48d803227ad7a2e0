import httpx

from contoso import Contoso, rule_everywhere
from ringfence.storage import Database
from webfixtures import csrf


async def test_the_catalog_is_listed_and_an_app_taken_away_and_given_back(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    items = {each["id"]: each for each in (await client.get("/api/v1/apps")).json()["items"]}
    assert items["defender_service"]["category"] == "trigger_service"
    assert items["defender"]["releases"][0]["version"] == items["defender"]["version"]
    assert (items["containment"]["mine"], items["containment"]["organizations"]) == (True, None)
    refused = await client.delete(
        "/api/v1/apps/containment/installation", headers={"X-CSRF-Token": csrf(client, embedded)}
    )
    assert refused.status_code == 403
    embedded.run_now(lambda tx: rule_everywhere(tx, contoso))
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    gone = (await client.delete("/api/v1/apps/containment/installation", headers=headers)).json()
    assert (gone["app"]["installed"], [each["playbook_id"] for each in gone["used_by"]]) == (
        False,
        [contoso.playbook_id],
    )
    uses = (await client.get("/api/v1/apps/containment/uses")).json()["items"]
    assert [each["playbook_id"] for each in uses] == [contoso.playbook_id]
    whose = {"organizations": [contoso.organization_id]}
    read = await client.get("/api/v1/apps/containment")
    seen = headers | {"If-Match": read.headers["ETag"]}
    assert (await client.put("/api/v1/apps/containment/installation", json=whose, headers=headers)).status_code == 428
    back = await client.put("/api/v1/apps/containment/installation", json=whose, headers=seen)
    assert back.json()["organizations"] == [contoso.organization_id]
    late = await client.put("/api/v1/apps/containment/installation", json={}, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert (back.json()["mine"], back.json()["everybody"]) == (True, False)
    assert (await client.post("/api/v1/apps/containment/accept", headers=headers)).json()["upgraded"] is False
    assert (await client.get("/api/v1/apps/containment")).json()["installed"] is True
    assert (await client.get("/api/v1/apps/nonsense")).status_code == 404
    seen = headers | {"If-Match": (await client.get("/api/v1/apps/defender")).headers["ETag"]}
    wrong = await client.put("/api/v1/apps/defender/installation", json={"organizations": []}, headers=seen)
    assert wrong.status_code == 400
