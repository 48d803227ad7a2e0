"""Live response against the simulator: what commands give is kept, also where a later one fails."""

import json
from collections.abc import AsyncIterator

import pytest

from acting import Desk, Scene
from containment_world import World, a_world
from hands import CATALOGUE, Hands
from ringfence.actions import ActionError, Json, Result
from ringfence.storage import Database

RUN = "defender.run_live_response"


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        client = await made.clients.get(made.account_id)
        await client.upload_library_file("collect.ps1", b"Get-Process", description="Collects", override_if_exists=True)
        yield made


def inputs(world: World, *commands: Json, **more: Json) -> dict[str, Json]:
    return {"machine": world.machine("wks-001").id, "comment": "Ransomware", "commands": [*commands], **more}


async def test_what_commands_give_is_kept_and_the_transcript_of_a_script_is_shown(world: World) -> None:
    hands = Hands(world)
    commands: list[Json] = [
        {"put": "collect.ps1"},
        {"run": "collect.ps1", "args": "-Full"},
        {"get": r"C:\Windows\Temp\dump.dmp"},
    ]
    result = await hands.carry(RUN, inputs(world, *commands))
    assert result.outcome == "success"
    results = hands.output(result)["results"]
    assert isinstance(results, list)
    put, run, get = results
    assert isinstance(put, dict)
    assert isinstance(run, dict)
    assert isinstance(get, dict)
    assert put == {"command": 0, "type": "PutFile", "status": "Completed", "errors": []}
    assert isinstance(run["transcript"], dict)
    assert run["transcript"]["exit_code"] == 0
    assert sorted(hands.scene.kept) == ["1-collect.ps1.json", "2-dump.dmp.zip"]
    assert hands.scene.kept["2-dump.dmp.zip"][0] == "application/zip"
    assert json.loads(hands.scene.kept["1-collect.ps1.json"][1])["script_name"] == "collect.ps1"
    assert isinstance(get["file"], dict)
    assert get["transcript"] is None


async def test_what_was_given_before_a_command_failed_is_kept_and_the_error_names_the_command(world: World) -> None:
    hands = Hands(world)
    with pytest.raises(ActionError, match=r"failed at command 1 \(GetFile\): The path notes\.txt") as raised:
        await hands.carry(RUN, inputs(world, {"run": "collect.ps1"}, {"get": "notes.txt"}))
    assert raised.value.permanent
    assert list(hands.scene.kept) == ["0-collect.ps1.json"]


async def test_an_order_that_defender_refuses_is_refused_before_it_is_asked(world: World) -> None:
    with pytest.raises(ActionError, match="in one order only"):
        await Hands(world).call(RUN, inputs(world, {"get": r"C:\x"}, {"run": "collect.ps1"}))
    assert world.sent("run_live_response") == []


@pytest.mark.parametrize("commands", [[], [{"get": ""}], [{"get": "x", "put": "y"}], [{"delete": "x"}]])
async def test_commands_that_make_no_sense_are_refused(world: World, commands: list[Json]) -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await Hands(world).call(RUN, inputs(world, *commands))


async def test_without_waiting_the_results_can_be_fetched_later(world: World) -> None:
    hands = Hands(world)
    begun = await hands.call(RUN, inputs(world, {"run": "collect.ps1"}, wait=False))
    assert isinstance(begun, Result)
    world.advance(3_600)
    fetch = {"action": hands.output(begun)["id"], "command": 0}
    fetched = await hands.call("defender.get_live_response_result", fetch)
    assert isinstance(fetched, Result)
    transcript = hands.output(fetched)["transcript"]
    assert isinstance(transcript, dict)
    assert transcript["script_name"] == "collect.ps1"
    assert list(hands.scene.kept) == ["0-result.json"]


@pytest.mark.parametrize(
    ("content", "name", "shown"),
    [
        ('\ufeff{"script_name": "a"}', "0-result.json", True),
        ('{"other": 1}', "0-result.json", False),
        ('{"broken', "0-result.json", False),
        ("PK\x03\x04…", "0-result.zip", False),
        ("plain", "0-result", False),
        ("", "0-result", False),
    ],
)
async def test_a_result_is_what_it_begins_as(content: str, name: str, shown: bool) -> None:
    scene = Scene(defender=Desk({"get_live_response_result": content}))
    action = CATALOGUE.find("defender.get_live_response_result")
    assert action is not None
    result = await action.call(scene, {"action": "a1"})
    assert isinstance(result, Result)
    assert isinstance(result.output, dict)
    assert list(scene.kept) == [name]
    assert (result.output["transcript"] is not None) is shown
