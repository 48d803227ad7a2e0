from dataclasses import replace

import pytest

from acting import Scene
from ringfence.actions import ActionError, Json, Result, TaskStanding, Wait
from ringfence.connectors.task import connector

ACTION = connector.actions["task.ask"]
FORM: dict[str, Json] = {"reached": {"type": "boolean", "required": True}}
INPUTS: dict[str, Json] = {"title": "Call the user", "form": FORM, "assignee": "tier-1", "due": "4 h"}


async def test_a_task_is_asked_once_under_the_key_of_its_step_and_waited_for() -> None:
    scene = Scene()
    answer = await ACTION.call(scene, INPUTS)
    assert answer == Wait(until=scene.incidents.stands.due_at, topics=("incident:1",), state={"task": 1})
    ((what, given),) = scene.incidents.asked
    assert (what, given["title"], given["due_in"], given["key"]) == ("ask", "Call the user", 14_400.0, scene.step_key)
    assert given["form"]["reached"].required
    assert scene.said[0][1] == "Task 1 stands on incident #12."


async def test_a_change_of_the_incident_that_is_not_its_end_is_waited_through() -> None:
    scene = Scene(resumed={"task": 1})
    assert isinstance(await ACTION.call(scene, INPUTS), Wait)
    assert [what for what, _ in scene.incidents.asked] == ["standing"]


@pytest.mark.parametrize("state", ["done", "cancelled", "expired"])
async def test_how_it_ended_is_the_outcome_and_the_form_the_output(state: str) -> None:
    scene = Scene(resumed={"task": 1})
    ended = replace(scene.incidents.stands, state=state, by="megan.bowen", at="2026-01-31T12:00:00Z")
    scene.incidents.stands = replace(ended, form={"reached": True} if state == "done" else None)
    answer = await ACTION.call(scene, INPUTS)
    assert isinstance(answer, Result)
    assert answer.outcome == state
    form: Json = {"reached": True} if state == "done" else {}
    assert answer.output == {"incident": 12, "task": 1, "form": form, "by": "megan.bowen", "at": "2026-01-31T12:00:00Z"}


async def test_a_task_without_a_time_waits_for_its_incident_only() -> None:
    scene = Scene()
    scene.incidents.stands = TaskStanding(12, 1, "open", "incident:1", None)
    assert await ACTION.call(scene, {**INPUTS, "due": None}) == Wait(topics=("incident:1",), state={"task": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"form": None},
        {"form": {"a.b": {"type": "text"}}},
        {"form": {"a": {"type": "txt"}}},
        {"due": "soon"},
    ],
)
async def test_inputs_that_do_not_fit_are_refused(wrong: dict[str, Json]) -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await ACTION.call(Scene(), {**INPUTS, **wrong})
