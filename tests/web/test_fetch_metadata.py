import httpx
import pytest
from starlette.datastructures import Headers

from ringfence.web.fetch_metadata import is_wanted


def fetched(site: str, mode: str = "cors", dest: str = "empty") -> Headers:
    return Headers({"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest})


def test_ourselves_people_and_programs_are_let_in() -> None:
    assert is_wanted("POST", Headers({}))
    assert is_wanted("POST", fetched("same-origin"))
    assert is_wanted("GET", fetched("none", "navigate", "document"))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_lead_people_here_and_nothing_else(site: str) -> None:
    assert is_wanted("GET", fetched(site, "navigate", "document"))
    for method, mode, dest in (
        ("POST", "navigate", "document"),
        ("GET", "navigate", "iframe"),
        ("GET", "navigate", "embed"),
        ("GET", "no-cors", "image"),
        ("GET", "no-cors", "script"),
        ("GET", "cors", "empty"),
        ("POST", "cors", "empty"),
    ):
        assert not is_wanted(method, fetched(site, mode, dest))


async def test_a_foreign_script_gets_nothing_and_is_told_so(client: httpx.AsyncClient) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "https://fabrikam.com"}
    answer = await client.get("/api/v1/runs", headers=foreign)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await client.get("/alerts", headers=foreign)).status_code == 403


@pytest.mark.parametrize("origin", ["https://fabrikam.com", "null", "http://ringfence.test.fabrikam.com"])
async def test_no_foreign_origin_is_ever_told_that_it_may_read(client: httpx.AsyncClient, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method, path in (
        ("GET", "/api/v1/runs"),
        ("OPTIONS", "/api/v1/runs"),
        ("GET", "/alerts"),
        ("OPTIONS", "/hooks/1"),
    ):
        answer = await client.request(method, path, headers=asked)
        assert [name for name in answer.headers if name.startswith("access-control")] == []
    assert (await client.post("/theme", data={"theme": "dark"}, headers={"Origin": origin})).status_code == 403
