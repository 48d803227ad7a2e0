"""What needs attention, in numbers."""

import httpx


async def test_the_overview_counts_what_the_page_shows(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/overview")).json()
    assert found["open_alerts"]["High"] == 3
    assert found["accounts"] == {"failed": 1, "healthy": 1}
    assert found["runs"]["live"] == 1
    assert found["containments"]["contained"] >= 1
    assert found["change"] > 0
    assert (found["stops"], found["brakes"]) == ([], [])
