from dataclasses import replace
from typing import Any

import pytest

from acting import Desk, Queue, Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.connectors.alert import connector


@pytest.mark.parametrize(
    ("action", "inputs", "changes"),
    [
        ("update", {"status": "New", "comment": "c"}, {"status": "New", "comment": "c"}),
        ("assign", {"to": "ines"}, {"assigned_to": "ines"}),
        ("comment", {"text": "Hi"}, {"comment": "Hi"}),
        ("classify", {"classification": "FalsePositive"}, {"classification": "FalsePositive"}),
        ("resolve", {"determination": "Malware"}, {"status": "Resolved", "determination": "Malware"}),
    ],
)
async def test_an_alert_of_the_queue_is_changed_in_defender(
    action: str, inputs: dict[str, Json], changes: dict[str, Json]
) -> None:
    scene = Scene(defender=Desk({"update_alert": {}}))
    answer = await connector.actions[f"alert.{action}"].call(scene, {"alert": "q1", **inputs})
    assert answer == Result("success", {"alert": "da1", "queue_id": "q1", "changed": changes})
    assert scene.defender.asked == [("update_alert", {"key": "run1:one:0", "alert_id": "da1", **changes})]
    assert scene.alerts.asked == ["q1"]


async def test_an_alert_is_read_as_it_is_now() -> None:
    answer = await connector.actions["alert.get"].call(Scene(), {})
    assert answer == Result("success", {"id": "da1", "queue_id": "q1", "account": "contoso"})


@pytest.mark.parametrize(
    ("inputs", "more", "said"),
    [
        ({}, {}, "nothing to change"),
        ({"status": "New"}, {"changeable": False}, "another product"),
        ({"status": "New"}, {"mine": False}, "the account contoso"),
    ],
)
async def test_what_cannot_be_changed_is_told(inputs: dict[str, Json], more: dict[str, Any], said: str) -> None:
    scene = Scene(alerts=Queue(replace(Queue().alert, **more)))
    with pytest.raises(ActionError, match=said) as caught:
        await connector.actions["alert.update"].call(scene, inputs)
    assert caught.value.permanent
    assert scene.defender.asked == []
