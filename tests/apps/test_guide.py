"""What docs/apps.md shows of a connector can be copied and used."""

import re
from pathlib import Path
from typing import Any

from acting import Scene, Wire
from ringfence.actions import Connector, HttpAnswer, Result

GUIDE = Path(__file__).parents[2] / "docs" / "apps.md"


async def test_the_connector_of_the_guide_works() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL):
        exec(block, names)
    connector = names["connector"]
    assert isinstance(connector, Connector)
    scene = Scene(http=Wire(HttpAnswer(201, {}, b'{"id": "m1"}', "https://chat.contoso.com/rooms/soc")))
    post = connector.actions["chat.post"]
    answer = await post.call(scene, {"account": "chat", "room": "soc", "text": "Contained"})
    assert isinstance(answer, Result)
    assert answer.output == {"message": "m1"}
    assert post.gives == {"message": "text"}
    assert scene.http.asked[0]["key"] == scene.step_key
    assert connector.services["chat.said"].title == "Rooms of Contoso chat"
