import pytest

from acting import Scene
from ringfence.actions import Result
from ringfence.connectors.notify import connector


@pytest.mark.parametrize(("to", "channels"), [("soc", ["soc"]), (["soc", "ines"], ["soc", "ines"])])
async def test_a_message_is_put_on_its_way_under_the_steps_key(to: str | list[str], channels: list[str]) -> None:
    scene = Scene()
    answer = await connector.actions["notify.send"].call(scene, {"to": to, "text": "Look."})  # type: ignore[dict-item]
    assert answer == Result("success", {"channels": len(channels)})
    given = {"channels": channels, "title": "Playbook Example", "text": "Look.", "key": "run1:one:0"}
    assert scene.people.asked == [("tell", given)]
