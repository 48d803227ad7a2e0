"""The monitoring plug-in check_msdefender runs each of its checks, unmodified, and believes what it is told."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import outside
from ringfence.simulator import Simulator, Tls, portal
from ringfence.simulator.faults import Fault
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import App, Tenant

EVIDENCE: list[dict[str, Any]] = [
    {"entityType": "Process", "fileName": "p.exe", "processId": 7, "parentProcessId": 3, "sha1": "b" * 40},
    {"entityType": "File", "fileName": "a.exe", "sha1": "a" * 40},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
    {"entityType": "Url", "url": "http://www.fabrikam.com/x"},
]


class Plugin:
    """The plug-in with its configuration file."""

    def __init__(self, tls: Tls, folder: Path, tenant: Tenant, app: App) -> None:
        self.tls = tls
        self.folder = folder
        self.path = folder / "check_msdefender.ini"
        self.head = f"[auth]\ntenant_id = {tenant.id}\nclient_id = {app.client_id}\n"
        self.write(f"client_secret = {app.secrets[0].value}\n")

    def write(self, credential: str) -> None:
        """Write the configuration file."""
        self.path.write_text(self.head + credential)

    async def __call__(self, *arguments: str) -> outside.Finished:
        """Run a check."""
        command = [sys.executable, "-m", "check_msdefender", *arguments, "-c", str(self.path)]
        finished = await outside.run(command, self.tls)
        assert "Traceback" not in finished.output + finished.errors
        return finished


@pytest.fixture
def plugin(tls: Tls, tmp_path: Path, contoso: Tenant, registration: App) -> Plugin:
    """The plug-in, signing in by secret."""
    return Plugin(tls, tmp_path, contoso, registration)


@pytest.fixture
def incident(simulator: Simulator, contoso: Tenant) -> str:
    """The id of an incident of one alert on wks-001."""
    key = portal.raise_alert(
        contoso, AlertSpec(machine="wks-001", evidence=EVIDENCE, user="asmith"), simulator.clock.now()
    )
    return str(contoso.alerts[key].document["incidentId"])


async def test_machines_are_counted(plugin: Plugin, contoso: Tenant) -> None:
    found = await plugin("machines", "-W", "100", "-C", "200")
    assert (found.code, f"Total machines: {len(contoso.machines)}" in found.output) == (0, True), found


@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "by id"])
async def test_the_checks_of_a_machine_say_what_it_is(plugin: Plugin, machine_id: str, by_name: bool) -> None:
    which = ("-d", "wks-001") if by_name else ("-m", machine_id)
    detail = await plugin("detail", *which)
    assert f"Machine ID: {machine_id}" in detail.output
    assert "Computer Name: wks-001" in detail.output
    if by_name:
        return
    assert "Fully onboarded" in (await plugin("onboarding", *which)).output
    # It reads its own clock, the world is where the test has put it.
    assert "Machine: wks-001 - Last seen " in (await plugin("lastseen", *which)).output


async def test_vulnerabilities_and_products_agree(plugin: Plugin, machine_id: str) -> None:
    vulnerabilities = await plugin("vulnerabilities", "-m", machine_id)
    products = await plugin("products", "-d", "wks-001")
    assert "Vulnerabilities: " in vulnerabilities.output
    assert "vulnerable products, score: " in products.output
    score = vulnerabilities.output.partition(", score: ")[2].split()[0]
    assert f"vulnerable products, score: {score}" in products.output


async def test_alerts_and_incidents_are_critical(plugin: Plugin, incident: str, machine_id: str) -> None:
    for arguments in (("alerts", "-d", "wks-001"), ("alerts", "-m", machine_id), ("incidents", "-d", "wks-001")):
        found = await plugin(*arguments, "-C", "0")
        assert (found.code, "CRITICAL" in found.output) == (2, True), found


async def test_an_incident_is_told_with_its_timeline(plugin: Plugin, incident: str, machine_id: str) -> None:
    found = await plugin("incident-detail", incident, "--json")
    assert found.code == 0, found
    told = json.loads(found.output)
    assert (told["source"], list(told["machines"])) == ("graph", [machine_id])
    assert told["timeline"]["processes"]
    for table, rows in told["timeline"]["tables"].items():
        assert "error" not in rows, (table, rows)
    assert told["timeline"]["tables"]["DeviceProcessEvents"]["rows"][0]["FileName"] == "p.exe"
    assert told["timeline"]["tables"]["DeviceFileEvents"]["rows"][0]["SHA1"] == "a" * 40


async def test_an_incident_is_told_by_defender_alone(plugin: Plugin, incident: str, contoso: Tenant) -> None:
    (key,) = contoso.alerts
    found = await plugin("incident-detail", key, "--json", "--no-graph")
    told = json.loads(found.output)
    assert (told["source"], told["incidentId"]) == ("mde", int(incident))
    assert all("error" not in str(entity) for entity in told["related"][key].values()), told["related"]


async def test_a_certificate_signs_it_in(plugin: Plugin, registration: App) -> None:
    pair = outside.key_pair()
    registration.certificates = [pair.certificate]
    (plugin.folder / "app.pem").write_text(pair.key + pair.certificate)
    path = plugin.folder / "app.pem"
    plugin.write(f"certificate_path = {path}\nprivate_key_path = {path}\n")
    assert (await plugin("machines", "-W", "100", "-C", "200")).code == 0


async def test_it_waits_as_long_as_it_is_told(plugin: Plugin, simulator: Simulator, machine_id: str) -> None:
    simulator.faults.add(
        Fault(kind="status", status=429, headers={"Retry-After": "0"}, operation="get_machine", times=2)
    )
    assert (await plugin("detail", "-m", machine_id)).code == 0
    simulator.faults.add(Fault(kind="status", status=404, operation="get_machine"))
    refused = await plugin("detail", "-m", machine_id)
    assert (refused.code, "404 Not Found" in refused.output) == (3, True), refused
