from typing import Any

import httpx

from ringfence.storage import Database
from webfixtures import csrf


async def test_a_table_is_made_filled_looked_up_exported_and_removed(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    assert (await client.post("/api/v1/tables", json={"name": "vips"})).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    made = await client.post("/api/v1/tables", json={"name": "vips", "kind": "text"})
    assert made.status_code == 201
    here = f"/api/v1/tables/{made.json()['id']}"
    items = [{"value": "Ines", "note": "=1+1", "data": {"team": "board"}}, {"value": "bob"}]
    assert (await client.post(f"{here}/entries", json={"items": items})).json() == {"count": 2}
    assert (await client.get(here)).json()["entries"] == 2
    first = (await client.get(f"{here}/entries", params={"limit": 1})).json()
    assert ([each["value"] for each in first["items"]], first["next"]) == (["bob"], first["next"])
    then = (await client.get(f"{here}/entries", params={"limit": 1, "cursor": first["next"]})).json()
    assert ([each["value"] for each in then["items"]], then["next"]) == (["Ines"], None)
    looked = (await client.get(f"{here}/lookup", params={"value": ["INES", "carol"]})).json()["items"]
    assert [each["entry"] and each["entry"]["data"] for each in looked] == [{"team": "board"}, None]
    csv = await client.get(f"{here}/csv")
    assert "Ines,'=1+1,,board" in csv.text
    assert csv.headers["content-type"].startswith("text/csv")
    csv_of_one: dict[str, Any] = {"params": {"replace": "true"}, "content": b"value\ncarol\n"}
    assert (await client.put(f"{here}/csv", **csv_of_one)).status_code == 428
    seen = {"If-Match": (await client.get(here)).headers["ETag"]}
    replaced = await client.put(f"{here}/csv", **csv_of_one, headers=seen)
    assert replaced.json() == {"count": 1}
    # As many entries as before are another table all the same.
    one: dict[str, Any] = csv_of_one | {"content": b"value\nolaf\n"}
    seen = {"If-Match": (await client.get(here)).headers["ETag"]}
    assert (await client.put(f"{here}/csv", **csv_of_one, headers=seen)).status_code == 200
    assert (await client.put(f"{here}/csv", **one, headers=seen)).status_code == 412
    taken = await client.delete(f"{here}/entries", params={"value": ["Carol", "ines"]})
    assert taken.json() == {"count": 1}
    assert (await client.delete(here)).status_code == 204
    assert (await client.get("/api/v1/tables")).json() == {"items": [], "next": None}


async def test_what_cannot_be_meant_is_a_problem(client: httpx.AsyncClient, embedded: Database) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    assert (await client.post("/api/v1/tables", json={"name": "x", "kind": "regex"})).status_code == 400
    assert (await client.get("/api/v1/tables/none/entries")).status_code == 404
    await client.post("/api/v1/tables", json={"name": "x", "kind": "network"})
    wrong = await client.post("/api/v1/tables/x/entries", json={"items": [{"value": "contoso.com"}]})
    assert wrong.status_code == 400
    assert (await client.put("/api/v1/tables/x/csv", content=b"\xff")).status_code == 400
