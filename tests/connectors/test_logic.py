from datetime import timedelta

import pytest

from acting import NOON, Scene
from ringfence.actions import ActionError, Json, Result, Wait
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
