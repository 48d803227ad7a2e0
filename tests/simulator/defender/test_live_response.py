import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl
from ringfence.simulator.live_session import LANDING_FOLDER

FORM = {"content": ("collect.ps1", b"Get-Process", "text/plain")}


def _command(kind: str, **params: str) -> dict[str, Any]:
    return {"type": kind, "params": [{"key": key, "value": value} for key, value in params.items()]}


PUT = _command("PutFile", FileName="collect.ps1")
SCRIPT = _command("RunScript", ScriptName="collect.ps1", Args="-All")
GET = _command("GetFile", Path=r"C:\Windows\Temp\out.txt")


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def _run(http: httpx.AsyncClient, machine_id: str, *commands: dict[str, Any]) -> httpx.Response:
    body = {"Comment": "look", "Commands": list(commands)}
    return await http.post(f"/api/machines/{machine_id}/runliveresponse", json=body)


@pytest.fixture
async def library(http: httpx.AsyncClient) -> None:
    """A library that holds one script."""
    await http.post("/api/libraryfiles", files={"File": FORM["content"]})


async def _link(http: httpx.AsyncClient, action: str, index: int | str) -> httpx.Response:
    return await http.get(f"/api/machineactions/{action}/GetLiveResponseResultDownloadLink(index={index})")


@pytest.mark.usefixtures("library")
async def test_a_session_runs_its_commands_and_leaves_results_to_download(
    http: httpx.AsyncClient, anonymous: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    got = _command("GetFile", Path=rf"{LANDING_FOLDER}\collect.ps1")
    reply = await _run(http, machine_id, PUT, SCRIPT, GET, got)
    action = reply.json()
    assert (reply.status_code, action["type"], action["status"]) == (201, "LiveResponse", "Pending")
    assert action["commands"][1] == {
        "index": 1,
        "startTime": None,
        "endTime": None,
        "commandStatus": "Created",
        "errors": [],
        "command": SCRIPT,
    }
    assert _code(await _link(http, action["id"], 1)) == (404, "ResourceNotFound")
    await control.advance(4)
    running = (await http.get(f"/api/machineactions/{action['id']}")).json()
    assert (running["status"], running["commands"][0]["startTime"]) == ("InProgress", "2026-03-01T12:00:03Z")
    await control.advance(10)
    ended = (await http.get(f"/api/machineactions/{action['id']}")).json()
    assert [command["commandStatus"] for command in ended["commands"]] == ["Completed"] * 4
    assert (ended["status"], ended["commands"][3]["endTime"]) == ("Succeeded", "2026-03-01T12:00:10Z")
    assert _code(await _link(http, action["id"], 0)) == (404, "ResourceNotFound")
    link = (await _link(http, action["id"], 1)).json()
    assert link["@odata.context"].endswith("#Edm.String")
    transcript = (await anonymous.get(link["value"])).json()
    assert (transcript["script_name"], transcript["exit_code"], transcript["script_errors"]) == ("collect.ps1", 0, "")
    assert "-All" in transcript["script_output"]
    archive = await anonymous.get((await _link(http, action["id"], 3)).json()["value"])
    assert zipfile.ZipFile(io.BytesIO(archive.content)).read("collect.ps1") == b"Get-Process"
    assert (
        "out.txt"
        in zipfile.ZipFile(
            io.BytesIO((await anonymous.get((await _link(http, action["id"], 2)).json()["value"])).content)
        ).namelist()
    )


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        ([], "MissingRequiredParameter"),
        ("all", "InvalidRequestBody"),
        ([GET, SCRIPT], "InvalidRequestBody"),
        ([SCRIPT, PUT], "InvalidRequestBody"),
        ([{"type": "Reboot", "params": []}], "InvalidRequestBody"),
        ([{"type": "GetFile"}], "InvalidRequestBody"),
        ([{"type": "GetFile", "params": [{"Key": "Path"}]}], "InvalidRequestBody"),
        ([_command("GetFile", path="C:\\x")], "MissingRequiredParameter"),
        ([7], "InvalidRequestBody"),
    ],
)
async def test_wrong_commands_are_refused(http: httpx.AsyncClient, machine_id: str, commands: Any, code: str) -> None:
    reply = await http.post(f"/api/machines/{machine_id}/runliveresponse", json={"Commands": commands})
    assert _code(reply) == (400, code)


async def test_one_session_at_a_time_on_a_machine_and_so_many_in_a_tenant(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.configure("contoso", duplicates="return_pending", live_sessions=1)
    other = (await http.get("/api/machines/wks-002")).json()["id"]
    assert (await _run(http, machine_id, GET)).status_code == 201
    assert _code(await _run(http, other, GET)) == (429, "TooManyRequests")
    await control.configure("contoso", live_sessions=2)
    assert _code(await _run(http, machine_id, GET)) == (400, "ActiveRequestAlreadyExists")
    assert (await _run(http, other, GET)).status_code == 201


async def test_the_first_command_that_fails_ends_the_session(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    action = (await _run(http, machine_id, SCRIPT, GET)).json()
    await control.advance(10)
    ended = (await http.get(f"/api/machineactions/{action['id']}")).json()
    assert ended["status"] == "Failed"
    assert [command["commandStatus"] for command in ended["commands"]] == ["Failed", "Created"]
    assert ended["commands"][0]["errors"] == ["The file collect.ps1 was not found in the library."]
    assert _code(await _link(http, action["id"], 0)) == (404, "ResourceNotFound")


async def test_a_session_waits_three_days_for_a_machine_that_is_away(
    http: httpx.AsyncClient, control: SimulatorControl, sign_in: Any
) -> None:
    machine = (await http.get("/api/machines/lap-001")).json()["id"]
    action = (await _run(http, machine, GET)).json()
    await control.advance(259_201)
    http.headers["Authorization"] = f"Bearer {(await sign_in()).json()['access_token']}"
    ended = (await http.get(f"/api/machineactions/{action['id']}")).json()
    assert (ended["status"], ended["commands"][0]["commandStatus"]) == ("TimeOut", "Created")


async def test_links_are_given_for_the_right_kind_of_action_only(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    isolate = (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).json()["id"]
    session = (await _run(http, machine_id, GET)).json()["id"]
    assert _code(await _link(http, isolate, 0)) == (400, "InvalidInput")
    for index in ("1", "x", "-1", "9" * 20):
        assert _code(await _link(http, session, index)) == (400, "InvalidInput")
    reply = await http.get(f"/api/machineactions/{session}/getPackageUri")
    assert reply.json()["error"]["message"] == (
        "Provided Guid is not a valid id for a CollectInvestigationPackage action"
    )
    assert _code(await http.get("/api/machineactions/1/getPackageUri")) == (400, "BadRequest")


async def test_a_package_is_linked_once_it_is_there(
    http: httpx.AsyncClient, anonymous: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    url = f"/api/machines/{machine_id}/collectInvestigationPackage"
    action = (await http.post(url, json={"Comment": "x"})).json()["id"]
    assert _code(await http.get(f"/api/machineactions/{action}/getPackageUri")) == (404, "ResourceNotFound")
    await control.advance(10)
    value = json.loads((await http.get(f"/api/machineactions/{action}/getPackageUri")).json()["value"])
    assert (await anonymous.get(value)).headers["Content-Type"] == "application/zip"
