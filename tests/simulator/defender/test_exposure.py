import httpx

from ringfence.simulator import SimulatorControl

VULNERABILITY_KEYS = (
    "id",
    "name",
    "description",
    "severity",
    "cvssV3",
    "cvssVector",
    "exposedMachines",
    "publishedOn",
    "updatedOn",
    "firstDetected",
    "publicExploit",
    "exploitVerified",
    "exploitInKit",
    "exploitTypes",
    "exploitUris",
    "cveSupportability",
    "tags",
    "epss",
)


async def test_vulnerabilities_come_in_pages_of_eight_thousand(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.configure("contoso", known_vulnerabilities=8_100)
    body = (await http.get("/api/vulnerabilities")).json()
    assert list(body) == ["@odata.context", "@odata.count", "value", "@odata.nextLink"]
    assert (body["@odata.count"], len(body["value"])) == (8_000, 8_000)
    assert body["@odata.nextLink"].endswith("/api/vulnerabilities?$skip=8000")
    assert tuple(body["value"][0]) == VULNERABILITY_KEYS
    rest = (await http.get("/api/vulnerabilities?$skip=8000")).json()
    assert (rest["@odata.count"], len(rest["value"]), "@odata.nextLink" in rest) == (100, 100, False)
    assert (await http.get("/api/vulnerabilities?$top=8001")).status_code == 400
    assert len((await http.get("/api/vulnerabilities?$top=3")).json()["value"]) == 3


async def test_vulnerabilities_are_filtered(http: httpx.AsyncClient) -> None:
    text = "severity eq 'Critical' and cvssV3 ge 9.0 and publishedOn ge 2024-01-01Z"
    found = (await http.get("/api/vulnerabilities", params={"$filter": text})).json()["value"]
    assert found
    assert {item["severity"] for item in found} == {"Critical"}


async def test_a_machine_and_its_vulnerabilities_know_each_other(http: httpx.AsyncClient, machine_id: str) -> None:
    found = (await http.get(f"/api/machines/{machine_id}/vulnerabilities")).json()["value"]
    assert found
    for vulnerability in found[:3]:
        reply = (await http.get(f"/api/vulnerabilities/{vulnerability['id']}/machineReferences")).json()
        assert list(reply) == ["@odata.context", "@odata.count", "value"]
        assert len(reply["value"]) == vulnerability["exposedMachines"]
        assert machine_id in [machine["id"] for machine in reply["value"]]
        assert list(reply["value"][0]) == ["id", "computerDnsName", "osPlatform", "rbacGroupName"]
    assert (await http.get("/api/vulnerabilities/CVE-1/machineReferences")).status_code == 404


async def test_software_recommendations_and_updates_agree(http: httpx.AsyncClient, machine_id: str) -> None:
    url = f"/api/machines/{machine_id}"
    software = {item["name"]: item for item in (await http.get(f"{url}/software")).json()["value"]}
    recommended = (await http.get(f"{url}/recommendations")).json()["value"]
    assert {item["productName"] for item in recommended} == {
        name for name, item in software.items() if item["weaknesses"]
    }
    updates = (await http.get(f"{url}/getmissingkbs")).json()["value"]
    assert all(item["cveAddressed"] > 0 and item["machineMissedOn"] > 0 for item in updates)
    for what in ("software", "recommendations", "getmissingkbs", "vulnerabilities"):
        assert (await http.get(f"/api/machines/none/{what}")).status_code == 404


async def test_scores_follow_from_the_machines(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    exposure = (await http.get("/api/exposureScore")).json()
    assert list(exposure) == ["@odata.context", "time", "score"]
    assert 0 < exposure["score"] <= 100
    before = (await http.get("/api/configurationScore")).json()["score"]
    await control.edit_machine("wks-001", online=False, fields={"defenderAvStatus": "NotSupported"})
    assert (await http.get("/api/configurationScore")).json()["score"] < before
