"""The actions, as the API tells them."""

import httpx


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
