from acting import Desk, Scene
from ringfence.actions import Json, Result
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


async def test_the_library_is_listed_as_a_whole() -> None:
    desk = Desk({"list_library_files": [{"fileName": "a.ps1"}]})
    answer = await ACTIONS["defender.list_library_files"].call(Scene(defender=desk), {})
    assert answer == Result("success", [{"fileName": "a.ps1"}])


async def test_a_text_becomes_a_file_and_replaces_another_only_when_told_so() -> None:
    desk = Desk({"upload_library_file": {"fileName": "a.ps1"}})
    inputs: dict[str, Json] = {"name": "a.ps1", "text": "Write-Output ä", "parameters": "-Path"}
    await ACTIONS["defender.upload_library_file"].call(Scene(defender=desk), inputs)
    assert desk.asked == [
        (
            "upload_library_file",
            {
                "file_name": "a.ps1",
                "content": "Write-Output ä".encode(),
                "parameters_description": "-Path",
                "override_if_exists": False,
                "key": "run1:one:0",
            },
        )
    ]


async def test_a_file_is_deleted_by_its_name() -> None:
    desk = Desk({"delete_library_file": {"deleted": False}})
    answer = await ACTIONS["defender.delete_library_file"].call(Scene(defender=desk), {"name": "a.ps1"})
    assert answer == Result("success", {"deleted": False})
