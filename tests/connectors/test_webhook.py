from typing import Any

import pytest

from acting import Postbox, Scene
from ringfence.actions import ActionError, Result
from ringfence.connectors.webhook import connector


@pytest.mark.parametrize(
    ("inputs", "kind", "body"),
    [
        ({"json": {"a": "ü"}}, "application/json", '{"a": "\\u00fc"}'),
        ({"text": "hi"}, "text/plain; charset=utf-8", "hi"),
        ({}, "application/json", "null"),
    ],
)
async def test_a_message_is_answered_as_json_or_text(inputs: dict[str, Any], kind: str, body: str) -> None:
    scene = Scene(caller=Postbox(waiting=False))
    answer = await connector.actions["webhook.respond"].call(scene, {"status": 201, **inputs})
    assert answer == Result("success", {"delivered": False})
    assert scene.caller.sent == [{"status": 201, "content_type": kind, "body": body, "key": "run1:one:0"}]


@pytest.mark.parametrize(
    "inputs", [{"status": 302}, {"status": 199}, {"text": "a", "json": 1}, {"text": "a" * 200_001}]
)
async def test_what_is_no_answer_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(ActionError) as caught:
        await connector.actions["webhook.respond"].call(Scene(), inputs)
    assert caught.value.permanent
