import httpx
import pytest


@pytest.mark.parametrize(("noun", "number"), [("alerts", 12), ("runs", 3), ("containments", 6)])
async def test_pages_follow_each_other_without_gap_or_double(client: httpx.AsyncClient, noun: str, number: int) -> None:
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 2}
    while True:
        page = (await client.get(f"/api/v1/{noun}", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == number


@pytest.mark.parametrize("noun", ["alerts", "runs", "containments"])
async def test_a_cursor_that_is_none_is_refused(client: httpx.AsyncClient, noun: str) -> None:
    answer = await client.get(f"/api/v1/{noun}?cursor=made-up")
    assert answer.status_code == 400
    assert "cursor" in answer.json()["detail"]
