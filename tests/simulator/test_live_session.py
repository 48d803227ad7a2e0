import base64
from typing import Any

from ringfence.simulator import Simulator, lifecycle, live_session
from ringfence.simulator.tenant import Action, Tenant

PUT = {"type": "PutFile", "params": [{"key": "FileName", "value": "a.ps1"}]}
RUN = {"type": "RunScript", "params": [{"key": "ScriptName", "value": "a.ps1"}]}
GET = {"type": "GetFile", "params": [{"key": "Path", "value": "/var/log/syslog"}]}


def _session(simulator: Simulator, tenant: Tenant, *commands: dict[str, Any], fails: bool = False) -> Action:
    machine = tenant.find_machine("wks-001")
    assert machine is not None
    machine.next_outcome = "Failed" if fails else None
    values = {"type": "LiveResponse", "commands": live_session.commands(list(commands))}
    action = lifecycle.submit(tenant, machine, values, simulator.clock, simulator.clock.now())
    simulator.clock.advance(10)
    simulator.settle()
    return action


def _statuses(action: Action) -> list[str]:
    return [command["commandStatus"] for command in action.record.document["commands"]]


def test_commands_share_the_time_of_the_session_in_milliseconds(simulator: Simulator, contoso: Tenant) -> None:
    contoso.shelves["library_file"].put("a.ps1", {"sha256": "x"}, {"content": base64.b64encode(b"x").decode()})
    action = _session(simulator, contoso, PUT, RUN, GET)
    steps = action.record.document["commands"]
    assert [step["endTime"] for step in steps] == [
        "2026-03-01T12:00:05.333Z",
        "2026-03-01T12:00:07.666Z",
        "2026-03-01T12:00:10Z",
    ]
    assert action.results[0] is None
    assert action.results[1] is not None
    assert action.results[1]["transcript"]["exit_code"] == 0
    assert action.results[2] is not None
    assert action.results[2]["file"] == "syslog"


def test_a_path_must_be_absolute(simulator: Simulator, contoso: Tenant) -> None:
    relative = {"type": "GetFile", "params": [{"key": "Path", "value": "notes.txt"}]}
    action = _session(simulator, contoso, GET, relative, GET)
    assert (action.status, _statuses(action)) == ("Failed", ["Completed", "Failed", "Created"])
    assert "notes.txt is not an absolute path" in action.record.document["commands"][1]["errors"][0]


def test_an_ordered_failure_strikes_the_last_command(simulator: Simulator, contoso: Tenant) -> None:
    action = _session(simulator, contoso, GET, GET, fails=True)
    assert (action.status, _statuses(action)) == ("Failed", ["Completed", "Failed"])
