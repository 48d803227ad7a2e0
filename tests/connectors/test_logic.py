from datetime import timedelta

import pytest

from acting import NOON, Crowd, Scene
from ringfence.actions import ActionError, Asked, Json, Result, Wait
from ringfence.connectors.logic import connector

RUN: dict[str, Json] = {"trigger": {"alert": {"severity": "High"}}, "steps": {"count": 0}}


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ("trigger.alert.severity == 'High'", "yes"),
        ("trigger.alert.severity == 'Low'", "no"),
        ("steps.nowhere", "no"),
        ("steps.count", "yes"),
    ],
)
async def test_a_condition_goes_by_its_test(test: str, outcome: str) -> None:
    answer = await connector.actions["logic.condition"].call(Scene(RUN), {"test": test})
    assert answer == Result(outcome, {"test": outcome == "yes"})


async def test_a_test_that_cannot_be_evaluated_is_a_permanent_error() -> None:
    with pytest.raises(ActionError, match="length") as caught:
        await connector.actions["logic.condition"].call(Scene(RUN), {"test": "length(steps.count)"})
    assert caught.value.permanent


async def test_a_delay_parks_until_its_time_and_then_succeeds() -> None:
    delay = connector.actions["logic.delay"]
    first = await delay.call(Scene(), {"duration": "30 min"})
    assert first == Wait(until=NOON + timedelta(minutes=30), state={"until": "2026-01-31T12:30:00+00:00"})
    assert isinstance(first, Wait)
    early = await delay.call(Scene(resumed=first.state, time=NOON + timedelta(minutes=29)), {"duration": "30 min"})
    assert early == first
    due = await delay.call(Scene(resumed=first.state, time=NOON + timedelta(minutes=30)), {"duration": "30 min"})
    assert due == Result("success", {"until": "2026-01-31T12:30:00+00:00"})


async def test_a_delay_of_more_than_a_month_is_refused() -> None:
    with pytest.raises(ActionError, match="longer than 30 d"):
        await connector.actions["logic.delay"].call(Scene(), {"duration": "31 d"})


async def test_a_delay_that_is_resumed_with_a_foreign_state_is_a_bug() -> None:
    with pytest.raises(TypeError, match="not its own"):
        await connector.actions["logic.delay"].call(Scene(resumed=5), {"duration": "1 s"})


async def test_values_are_kept_under_their_names() -> None:
    values: dict[str, Json] = {"host": "ws-1", "tags": ["a"], "none": None}
    assert await connector.actions["logic.set"].call(Scene(), {"values": values}) == Result("success", values)


async def test_an_approval_parks_on_its_question_until_its_time_is_over() -> None:
    approval = connector.actions["logic.approval"]
    scene = Scene()
    first = await approval.call(scene, {"question": "Go on?", "of": "tier-2", "timeout": "15 min"})
    assert first == Wait(until=NOON, topics=("approval:a1",), state={"approval": "a1"})
    assert scene.people.asked[0][1] == {
        "of": ["tier-2"],
        "question": "Go on?",
        "timeout": 900.0,
        "escalate": False,
        "escalate_to": [],
        "count": 1,
        "key": "run1:one:0",
    }


@pytest.mark.parametrize("state", ["approved", "rejected", "expired"])
async def test_an_approval_goes_by_the_answer(state: str) -> None:
    people = Crowd(Asked("a1", state, "Said.", NOON, ({"by": "ines"},)))
    answer = await connector.actions["logic.approval"].call(
        Scene(people=people, resumed={"approval": "a1"}), {"question": "Go on?"}
    )
    assert answer == Result(state, {"approval": "a1", "detail": "Said.", "answers": [{"by": "ines"}]})


async def test_an_approval_whose_question_is_void_is_an_error_and_a_foreign_state_a_bug() -> None:
    approval = connector.actions["logic.approval"]
    people = Crowd(Asked("a1", "void", "The run is over.", NOON))
    with pytest.raises(ActionError, match="The run is over"):
        await approval.call(Scene(people=people, resumed={"approval": "a1"}), {"question": "Go on?"})
    with pytest.raises(TypeError, match="not its own"):
        await approval.call(Scene(resumed=5), {"question": "Go on?"})
