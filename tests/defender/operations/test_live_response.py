import pytest

from microsoft import Microsoft
from operation_cases import Case
from ringfence.defender import Command, GetFile, InvalidArgument, PutFile, RunScript

ACTION = {
    "id": "x",
    "type": "LiveResponse",
    "status": "Pending",
    "commands": [{"index": 0, "commandStatus": "Created", "command": {"type": "RunScript", "params": []}}],
}

CASES = [
    Case(
        "run_live_response",
        "POST /api/machines/m/runliveresponse",
        lambda d: d.run_live_response(
            "m",
            [PutFile("a.exe"), RunScript("b.ps1", "-x"), RunScript("c.ps1"), GetFile("C:\\d.txt")],
            comment="c",
            external_id="e",
        ),
        ACTION,
        {
            "Commands": [
                {"type": "PutFile", "params": [{"key": "FileName", "value": "a.exe"}]},
                {
                    "type": "RunScript",
                    "params": [{"key": "ScriptName", "value": "b.ps1"}, {"key": "Args", "value": "-x"}],
                },
                {"type": "RunScript", "params": [{"key": "ScriptName", "value": "c.ps1"}]},
                {"type": "GetFile", "params": [{"key": "Path", "value": "C:\\d.txt"}]},
            ],
            "Comment": "c",
            "ExternalId": "e",
        },
        lambda found: found.commands[0].command.type == "RunScript",
        201,
    ),
    Case(
        "get_live_response_result",
        "GET /api/machineactions/x/GetLiveResponseResultDownloadLink(index=1)",
        lambda d: d.get_live_response_result("x", 1),
        {"value": "https://files.contoso.com/r?sig=1"},
        result=lambda found: found.endswith("sig=1"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


@pytest.mark.parametrize(
    "commands",
    [
        [],
        [GetFile("a"), RunScript("b")],
        [RunScript("b"), PutFile("a")],
        [PutFile(" ")],
        [RunScript("")],
        [GetFile("")],
    ],
)
async def test_commands_that_the_service_would_refuse_are_not_sent(commands: list[Command]) -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument):
            await defender.run_live_response("m", commands, comment="c")


async def test_a_command_before_the_first_is_refused() -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument):
            await defender.get_live_response_result("x", -1)
