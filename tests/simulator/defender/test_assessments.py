import httpx
import pytest

PATH = "/api/machines/SoftwareVulnerabilitiesByMachine"


async def test_every_vulnerability_of_a_machine_is_exported(http: httpx.AsyncClient, machine_id: str) -> None:
    body = (await http.get(PATH, params={"pageIndex": "1", "pageSize": "50000"})).json()
    assert list(body) == ["@odata.context", "value"]
    own = [row for row in body["value"] if row["deviceId"] == machine_id]
    found = (await http.get(f"/api/machines/{machine_id}/vulnerabilities")).json()["value"]
    assert sorted(row["cveId"] for row in own) == sorted(item["id"] for item in found)
    by_name = {item["id"]: item for item in found}
    for row in own:
        assert row["cvssScore"] == by_name[row["cveId"]]["cvssV3"]
        assert row["vulnerabilitySeverityLevel"] == by_name[row["cveId"]]["severity"]
        assert row["diskPaths"]
        assert row["securityUpdateAvailable"]
    assert len({row["id"] for row in body["value"]}) == len(body["value"])


async def test_pages_are_linked_and_join_to_the_whole(http: httpx.AsyncClient) -> None:
    whole = (await http.get(PATH)).json()["value"]
    url, found = f"{PATH}?pageSize=7", []
    while url:
        body = (await http.get(url)).json()
        assert len(body["value"]) <= 7
        found += body["value"]
        link = body.get("@odata.nextLink", "")
        assert not link or link.startswith("https://api.securitycenter.microsoft.com/api/")
        url = link.removeprefix("https://api.securitycenter.microsoft.com")
    assert found == whole
    first = (await http.get(f"{PATH}?$top=3")).json()
    assert (len(first["value"]), "@odata.nextLink" in first) == (3, False)


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=200001", "pageSize=x", "$top=-1", "$skiptoken=%21"])
async def test_a_page_that_cannot_be_is_refused(http: httpx.AsyncClient, query: str) -> None:
    assert (await http.get(f"{PATH}?{query}")).status_code == 400
