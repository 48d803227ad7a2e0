import io
import zipfile

import httpx
import pytest

from ringfence.simulator import SimulatorControl
from ringfence.simulator.defender import downloads

EVIDENCE = [
    {"entityType": "Process", "fileName": "evil.exe", "processCommandLine": "evil.exe -fast", "processId": 7},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
]


@pytest.fixture
async def link(http: httpx.AsyncClient, control: SimulatorControl, machine_id: str) -> str:
    """A link to a package of wks-001."""
    await control.inject_alerts("wks-001", evidence=EVIDENCE)
    url = f"/api/machines/{machine_id}/collectInvestigationPackage"
    action = (await http.post(url, json={"Comment": "x"})).json()["id"]
    await control.advance(10)
    value: str = (await http.get(f"/api/machineactions/{action}/getPackageUri")).json()["value"]
    return value.strip('"')


async def test_a_package_holds_what_the_tenant_knows_of_the_machine(anonymous: httpx.AsyncClient, link: str) -> None:
    reply = await anonymous.get(link)
    assert reply.headers["Content-Disposition"] == 'attachment; filename="WDATP_Investigation_Package.zip"'
    archive = zipfile.ZipFile(io.BytesIO(reply.content))
    assert archive.testzip() is None
    assert b"wks-001" in archive.read("Forensics Collection Summary.csv")
    assert b"evil.exe -fast" in archive.read("Processes/Processes.csv")
    assert b"203.0.113.9" in archive.read("Network connections/ActiveNetConnections.csv")
    assert b"asmith" in archive.read("Users and groups/Users.csv")
    assert b"contoso" in archive.read("Installed programs/InstalledPrograms.csv")
    assert archive.infolist()[0].date_time == (2026, 3, 1, 12, 0, 10)


async def test_a_link_ends_and_cannot_be_forged(
    anonymous: httpx.AsyncClient, control: SimulatorControl, link: str
) -> None:
    for wrong in (
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.split("?")[0],
        f"{link.split('?')[0]}?token=a.b.c",
    ):
        reply = await anonymous.get(wrong)
        assert (reply.status_code, reply.headers["Content-Type"]) == (403, "application/xml")
        assert b"AuthenticationFailed" in reply.content
    assert (await anonymous.get(link)).status_code == 200
    await control.advance(1_800)
    assert (await anonymous.get(link)).status_code == 403


async def test_a_package_link_opens_nothing_else(anonymous: httpx.AsyncClient, link: str) -> None:
    token = link.split("token=")[1]
    path = f"/investigation-actions-data/x/CustomPlaybookCommandOutput/y?sig={token}"
    assert (await anonymous.get(path)).status_code == 403
    assert (await anonymous.post(link)).headers["Allow"] == "GET"


async def test_downloads_are_journalled(anonymous: httpx.AsyncClient, control: SimulatorControl, link: str) -> None:
    await anonymous.get(link)
    (entry,) = await control.journal(operation=downloads.PACKAGE)
    assert entry["status"] == 200
    assert downloads.operation_of(["anything"]) is None
