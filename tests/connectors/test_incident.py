import pytest

from acting import Scene
from ringfence.actions import Action, ActionError, Json, Result
from ringfence.connectors.incident import connector


async def call(scene: Scene, name: str, **inputs: Json) -> Result:
    action: Action = connector.actions[f"incident.{name}"]
    answer = await action.call(scene, inputs)
    assert isinstance(answer, Result)
    return answer


async def test_each_action_asks_the_port_once_under_the_key_of_its_step() -> None:
    scene = Scene()
    await call(scene, "promote", owner="tier-2", severity="High")
    await call(scene, "add_alert", incident=12, alerts=["da1_1"])
    await call(scene, "create", title="By mail", severity="Low", text="Phishing")
    await call(scene, "note", text="Seen")
    await call(scene, "task", title="Call", assignee="alex", due="4 h", incident=7)
    await call(scene, "update", status="in_progress", owner="")
    await call(scene, "close", resolution="benign", reason="A test", hosts="keep")
    await call(scene, "get", incident=12)
    asked = scene.incidents.asked
    assert [what for what, _ in asked] == ["promote", "promote", "create", "note", "task", "update", "close", "get"]
    assert all(given["key"] == scene.step_key for what, given in asked if what != "get")
    assert asked[0][1] | {"key": ""} == {
        "alerts": [], "incident": None, "title": "", "severity": "High", "owner": "tier-2", "join": True, "key": "",
    }  # fmt: skip
    assert (asked[1][1]["incident"], asked[1][1]["alerts"], asked[1][1]["join"]) == (12, ["da1_1"], False)
    assert (asked[2][1]["title"], asked[2][1]["severity"], asked[2][1]["text"]) == ("By mail", "Low", "Phishing")
    assert (asked[4][1]["due_in"], asked[4][1]["incident"]) == (14_400.0, 7)
    assert (asked[5][1]["owner"], asked[5][1]["title"]) == ("", None)
    assert asked[6][1]["hosts"] == "keep"


async def test_promoting_gives_the_incident_and_says_whether_it_was_made() -> None:
    scene = Scene()
    made = await call(scene, "promote")
    assert made.output == {"number": 12, "created": True}
    assert scene.said[0][1] == "Incident #12 was made."
    scene.incidents.now["created"] = False
    await call(scene, "promote")
    assert scene.said[1][1] == "Incident #12 was used."


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("note", {"text": ""}),
        ("note", {"text": "x", "incident": 0}),
        ("task", {"title": ""}),
        ("update", {"status": "resolved"}),
        ("close", {"resolution": "merged", "reason": "x"}),
        ("close", {"resolution": "benign", "reason": "x", "hosts": "maybe"}),
        ("promote", {"severity": "Terrible"}),
        ("add_alert", {"incident": 10**10}),
    ],
)
async def test_inputs_that_do_not_fit_are_refused(name: str, inputs: dict[str, Json]) -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await call(Scene(), name, **inputs)
