from datetime import datetime, timedelta

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


CASES: Json = {"urgent": "high", "usual": ["Medium", "Low"], "one": [1, None]}


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("High", "urgent"), ("low", "usual"), (1, "one"), (None, "one"), (True, "otherwise"), ("urgent", "otherwise")],
)
async def test_a_switch_goes_by_the_first_case_that_has_the_value(value: Json, outcome: str) -> None:
    answer = await connector.actions["logic.switch"].call(Scene(), {"value": value, "cases": CASES})
    case = None if outcome == "otherwise" else outcome
    assert answer == Result(outcome, {"case": case, "value": value})


@pytest.mark.parametrize("name", ["error", "stopped_failed", "otherwise", "Urgent", "a b", ""])
async def test_a_case_cannot_have_a_name_that_means_something_else(name: str) -> None:
    with pytest.raises(ActionError, match="cannot be a case"):
        await connector.actions["logic.switch"].call(Scene(), {"value": 1, "cases": {name: 1}})


async def test_a_switch_has_at_most_fifty_cases() -> None:
    with pytest.raises(ActionError, match="at most 50"):
        await connector.actions["logic.switch"].call(Scene(), {"value": 1, "cases": {f"c{n}": n for n in range(51)}})


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
async def test_a_stop_says_how_the_run_ends_and_why(status: str) -> None:
    answer = await connector.actions["logic.stop"].call(Scene(), {"status": status, "reason": "Enough."})
    assert answer == Result(f"stopped_{status}", {"status": status, "reason": "Enough."})


@pytest.mark.parametrize(
    ("inputs", "until"),
    [
        ({"time": "2026-02-01T08:00:00Z"}, "2026-02-01T08:00:00+00:00"),
        ({"time": "2026-02-01 08:00", "zone": "Europe/Berlin"}, "2026-02-01T07:00:00+00:00"),
        ({"time": "13:30"}, "2026-01-31T13:30:00+00:00"),
        ({"time": "8:00", "zone": "Europe/Berlin"}, "2026-02-01T07:00:00+00:00"),
        ({"time": "07:00:30", "zone": "America/New_York"}, "2026-01-31T12:00:30+00:00"),
    ],
)
async def test_a_step_waits_until_a_moment_or_the_next_time_of_day(inputs: dict[str, Json], until: str) -> None:
    action = connector.actions["logic.wait_until"]
    first = await action.call(Scene(), inputs)
    assert isinstance(first, Wait)
    assert (first.until, first.state) == (datetime.fromisoformat(until), {"until": until})
    later = datetime.fromisoformat(until)
    assert await action.call(Scene(resumed=first.state, time=later), inputs) == Result("success", {"until": until})


async def test_a_moment_that_has_passed_is_no_reason_to_wait() -> None:
    answer = await connector.actions["logic.wait_until"].call(Scene(), {"time": "2026-01-31T11:59:59Z"})
    assert answer == Result("success", {"until": "2026-01-31T11:59:59+00:00"})


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"time": "soon"}, "not a moment"),
        ({"time": "25:00"}, "not a moment"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "not a moment"),
        ({"time": "2026-09-01"}, "more than 90 d"),
        ({"time": "08:00", "zone": "Nowhere/Land"}, "no time zone"),
        ({"time": "08:00", "zone": "../etc/passwd"}, "no time zone"),
        ({"time": "08:00", "zone": "a\0b"}, "no time zone"),
    ],
)
async def test_what_is_not_a_moment_to_wait_for_is_refused(inputs: dict[str, Json], said: str) -> None:
    with pytest.raises(ActionError, match=said) as caught:
        await connector.actions["logic.wait_until"].call(Scene(), inputs)
    assert caught.value.permanent
