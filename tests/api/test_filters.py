from typing import Any

import httpx

from ringfence.storage import Database
from webfixtures import csrf


async def call(
    client: httpx.AsyncClient, database: Database, method: str, path: str, body: Any = None
) -> httpx.Response:
    headers = {"X-CSRF-Token": csrf(client, database)}
    return await client.request(method, f"/api/v1{path}", json=body, headers=headers)


async def test_a_filter_is_saved_changed_listed_and_removed(client: httpx.AsyncClient, embedded: Database) -> None:
    new = {"list": "alerts", "name": "Mine", "query": "status=New&severity=High"}
    made = await call(client, embedded, "POST", "/filters", new)
    assert (made.status_code, made.json()["address"]) == (201, "/alerts?severity=High&status=New")
    path = f"/filters/{made.json()['id']}"
    changed = (await call(client, embedded, "PATCH", path, {"name": "Ours", "shared": True, "default": True})).json()
    assert (changed["name"], changed["shared"], changed["default"]) == ("Ours", True, True)
    assert (await call(client, embedded, "PATCH", path, {"default": False})).json()["default"] is False
    listed = (await client.get("/api/v1/filters?list=alerts")).json()["items"]
    assert [each["name"] for each in listed] == ["Ours"]
    assert (await call(client, embedded, "DELETE", path)).status_code == 204
    assert (await client.get("/api/v1/filters")).json()["items"] == []


async def test_what_is_no_filter_of_the_list_is_named(client: httpx.AsyncClient, embedded: Database) -> None:
    for new, status, said in (
        ({"list": "alerts", "name": "Mine", "query": "colour=red"}, 400, "colour"),
        ({"list": "alert", "name": "Mine", "query": "q=a"}, 404, "'alerts'"),
    ):
        refused = await call(client, embedded, "POST", "/filters", new)
        assert (refused.status_code, said in refused.text) == (status, True)
    assert (await client.get("/api/v1/filters?list=alert")).status_code == 404


async def test_columns_are_chosen_and_given_back(client: httpx.AsyncClient, embedded: Database) -> None:
    chosen = (await call(client, embedded, "PUT", "/lists/alerts/columns", {"columns": ["owner"]})).json()
    assert [each["key"] for each in chosen["columns"] if each["shown"]] == ["alert", "owner"]
    lists = {each["name"]: each for each in (await client.get("/api/v1/lists")).json()["items"]}
    assert lists["alerts"] == chosen
    assert lists["incidents"]["own"] is False
    usual = (await call(client, embedded, "PUT", "/lists/alerts/columns", {"columns": None})).json()
    assert usual["own"] is False
