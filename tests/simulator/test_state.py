import sqlite3
from pathlib import Path

import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl, StateError, StateFile, create_app

ORIGIN = "http://127.0.0.1:8900"


def _begin(path: Path) -> Simulator:
    simulator = Simulator.from_scenario("quiet", frozen=True, start=1_700_000_000)
    simulator.state = StateFile(path)
    simulator.save()
    return simulator


def _again(path: Path) -> Simulator:
    """Open the file as a new process does after a kill: the first one never closed it."""
    file = StateFile(path)
    simulator = file.load()
    assert simulator is not None
    simulator.state = file
    return simulator


async def _sign_in(simulator: Simulator) -> httpx.AsyncClient:
    tenant = next(iter(simulator.tenants.values()))
    app = next(iter(tenant.apps.values()))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(simulator)), base_url=ORIGIN)
    form = {
        "grant_type": "client_credentials",
        "client_id": app.client_id,
        "client_secret": app.secrets[0].value,
        "scope": "https://api.securitycenter.microsoft.com/.default",
    }
    token = (await client.post(f"/{tenant.id}/oauth2/v2.0/token", data=form)).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


async def test_a_killed_simulator_continues_where_replies_left_off(tmp_path: Path) -> None:
    first = _begin(tmp_path / "state.db")
    client = await _sign_in(first)
    async with SimulatorControl(ORIGIN, transport=httpx.ASGITransport(create_app(first))) as control:
        (alert,) = await control.inject_alerts("wks-001", evidence=[{"entityType": "File"}])
        await control.add_fault("status", operation="list_alerts", skip=5)
        await control.advance(5)
        await control.edit_machine("srv1", tags=["Backup"])
    await client.get("/api/alerts")
    machine = first.find_tenant("contoso").find_machine("wks-001")  # type: ignore[union-attr]
    assert machine is not None
    action = (await client.post(f"/api/machines/{machine.id}/isolate", json={"Comment": "x"})).json()

    second = _again(tmp_path / "state.db")
    assert second.clock.now() == first.clock.now()
    transport = httpx.ASGITransport(create_app(second))
    async with (
        SimulatorControl(ORIGIN, transport=transport) as control,
        httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=client.headers) as http,
    ):
        assert [entry["operation"] for entry in await control.journal()] == [
            "token_client_credentials",
            "list_alerts",
            "isolate_machine",
        ]
        assert (await control.faults())[0]["seen"] == 1
        await control.advance(10)
        assert (await http.get(f"/api/machineactions/{action['id']}")).json()["status"] == "Succeeded"
        assert (await http.get("/api/machines/srv1")).json()["machineTags"] == ["Backup"]
        assert len((await http.get(f"/api/alerts/{alert}")).json()["evidence"]) == 1
        summary = await control.summary()
    assert (summary["alerts_delivered"], summary["isolated_now"]) == (1, [machine.id])
    third = _again(tmp_path / "state.db")
    assert third.find_tenant("contoso").dump() == second.find_tenant("contoso").dump()  # type: ignore[union-attr]
    await client.aclose()
    for simulator in (first, second, third):
        assert simulator.state is not None
        simulator.state.close()


async def test_a_reset_forgets_what_was_kept(tmp_path: Path) -> None:
    first = _begin(tmp_path / "state.db")
    async with SimulatorControl(ORIGIN, transport=httpx.ASGITransport(create_app(first))) as control:
        await control.inject_alerts("wks-001", count=3)
        await control.reset("ransomware")
    second = _again(tmp_path / "state.db")
    assert second.scenario.name == "ransomware"
    assert [len(tenant.alerts) for tenant in second.tenants.values()] == [0, 0]
    for simulator in (first, second):
        assert simulator.state is not None
        simulator.state.close()


def test_a_new_file_holds_nothing(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.db")
    assert file.load() is None
    file.close()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are long enough to be no database " * 20)
    with pytest.raises(StateError, match="cannot be used as a state file"):
        StateFile(path)
    with pytest.raises(StateError, match="cannot be used as a state file"):
        StateFile(tmp_path / "no" / "folder" / "state.db")


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.db")
    database = sqlite3.connect(tmp_path / "state.db")
    for body in ('{"format": 999}', "{}", "not json"):
        database.execute("INSERT OR REPLACE INTO rows VALUES ('meta', '', '', ?)", (body,))
        database.commit()
        with pytest.raises(StateError, match="Remove the file"):
            file.load()
    database.close()
    file.close()


async def test_what_was_uploaded_ordered_or_held_back_survives_a_kill(tmp_path: Path) -> None:
    first = _begin(tmp_path / "state.db")
    client = await _sign_in(first)
    tenant = first.find_tenant("contoso")
    assert tenant is not None
    machine = tenant.find_machine("wks-001")
    assert machine is not None
    async with SimulatorControl(ORIGIN, transport=httpx.ASGITransport(create_app(first))) as control:
        (late,) = await control.inject_alerts("wks-001", delay=60)
        waiting = await control.add_fault("status", path="/api/*", at=900)
        await control.add_fault("late_finish", operation="run_live_response", seconds=5)
        await client.post("/api/libraryfiles", files={"File": ("a.ps1", b"dir")})
        await client.post("/api/libraryfiles", files={"File": ("b.ps1", b"dir")})
        await client.delete("/api/libraryfiles/b.ps1")
        script = {"type": "RunScript", "params": [{"key": "ScriptName", "value": "a.ps1"}]}
        url = f"/api/machines/{machine.id}"
        session = (await client.post(f"{url}/runliveresponse", json={"Commands": [script]})).json()["id"]
        await client.post(f"{url}/restrictCodeExecution", json={"Comment": "x"})
        await control.advance(12)
        await client.post(f"{url}/startInvestigation", json={"Comment": "x"})

    second = _again(tmp_path / "state.db")
    transport = httpx.ASGITransport(create_app(second))
    async with (
        SimulatorControl(ORIGIN, transport=transport) as control,
        httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=client.headers) as http,
    ):
        assert [fault.id for fault in second.faults.waiting] == [waiting]
        assert (await http.get(f"/api/alerts/{late}")).status_code == 404
        files = (await http.get("/api/libraryfiles")).json()["value"]
        assert [item["fileName"] for item in files] == ["a.ps1"]
        assert (await http.get(f"/api/machineactions/{session}")).json()["status"] == "InProgress"
        await control.advance(60)
        assert (await http.get(f"/api/alerts/{late}")).status_code == 200
        link = f"/api/machineactions/{session}/GetLiveResponseResultDownloadLink(index=0)"
        download = (await http.get(link)).json()["value"]
        assert (await http.get(download)).json()["script_name"] == "a.ps1"
        assert (await http.get("/api/investigations")).json()["value"][0]["state"] == "Benign"
        state = (await control.state())["tenants"][0]
        assert [item["name"] for item in state["machines"] if item["restricted"]] == ["wks-001"]

    third = _again(tmp_path / "state.db")
    reloaded = third.find_tenant("contoso")
    assert reloaded is not None
    assert reloaded.actions[session].results == second.find_tenant("contoso").actions[session].results  # type: ignore[union-attr]
    await client.aclose()
    for simulator in (first, second, third):
        assert simulator.state is not None
        simulator.state.close()
