from dataclasses import replace
from datetime import timedelta

import pytest

from acting import NOON, Cordon, Scene
from ringfence.actions import ActionError, ContainmentState, Json, Result, Wait
from ringfence.connectors.containment import connector

PENDING = ContainmentState("c1", "pending", "m1", "ws-1")
CONTAIN: dict[str, Json] = {"machine": "m1", "reason": "Ransomware", "auto_release": "24 h", "alert": "da1"}
RELEASE: dict[str, Json] = {"machine": "c1", "reason": "Clean"}
PARKED = Wait(until=NOON + timedelta(minutes=5), topics=("containment:c1",), state={"containment": "c1"})


async def _call(action: str, state: ContainmentState, resumed: Json = None) -> tuple[Result | Wait, Cordon]:
    cordon = Cordon(state)
    inputs = CONTAIN if action == "contain" else RELEASE
    answer = await connector.actions[f"containment.{action}"].call(Scene(containment=cordon, resumed=resumed), inputs)
    return answer, cordon


def _output(state: ContainmentState) -> Json:
    return dict(state.to_json())


async def test_containing_asks_once_under_the_steps_key_and_waits() -> None:
    answer, cordon = await _call("contain", PENDING)
    assert answer == PARKED
    asked = {
        "machine": "m1",
        "isolation_type": "Full",
        "reason": "Ransomware",
        "auto_release": 86400.0,
        "alert_id": "da1",
        "key": "run1:one:0",
    }
    assert cordon.asked == [("request", asked)]


async def test_when_woken_it_only_looks() -> None:
    answer, cordon = await _call("contain", PENDING, {"containment": "c1"})
    assert answer == PARKED
    assert cordon.asked == [("state", {"containment": "c1"})]


@pytest.mark.parametrize("resumed", [None, {"containment": "c1"}])
async def test_success_is_only_what_defender_confirmed(resumed: Json) -> None:
    state = replace(PENDING, state="contained", contained=True)
    answer, _ = await _call("contain", state, resumed)
    assert answer == Result("success", _output(state))


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("denied", "denied"), ("rejected", "denied"), ("expired", "denied"), ("not_needed", "not_needed")],
)
async def test_a_host_that_was_not_touched_is_said_so(state: str, outcome: str) -> None:
    answer, _ = await _call("contain", replace(PENDING, state=state, final=True, reasons=("It is a server.",)))
    assert isinstance(answer, Result)
    assert answer.outcome == outcome
    assert isinstance(answer.output, dict)
    assert answer.output["reasons"] == ["It is a server."]


@pytest.mark.parametrize("state", ["failed", "timed_out", "cancelled", "withdrawn", "released", "superseded"])
async def test_every_other_end_of_a_containment_is_an_error_with_its_detail(state: str) -> None:
    ended = replace(PENDING, state=state, final=True, detail="The sensor is offline.")
    with pytest.raises(ActionError, match=f"ws-1 was not contained: {state}. The sensor is offline.") as caught:
        await _call("contain", ended, {"containment": "c1"})
    assert caught.value.permanent


async def test_releasing_asks_once_and_waits_for_the_confirmation() -> None:
    answer, cordon = await _call("release", replace(PENDING, state="releasing"))
    assert answer == PARKED
    assert cordon.asked == [("release", {"target": "c1", "reason": "Clean", "key": "run1:one:0"})]
    released = replace(PENDING, state="released", final=True)
    answer, cordon = await _call("release", released, {"containment": "c1"})
    assert answer == Result("success", _output(released))
    assert cordon.asked == [("state", {"containment": "c1"})]


@pytest.mark.parametrize(
    ("state", "outcome"), [("not_owned", "not_owned"), ("superseded", "not_owned"), ("still_held", "still_held")]
)
async def test_a_host_that_is_not_ours_to_release_is_said_so(state: str, outcome: str) -> None:
    answer, _ = await _call("release", replace(PENDING, state=state, final=True))
    assert isinstance(answer, Result)
    assert answer.outcome == outcome


async def test_a_release_that_is_tried_again_is_waited_for_and_one_that_ended_is_an_error() -> None:
    answer, _ = await _call("release", replace(PENDING, state="release_failed"), {"containment": "c1"})
    assert answer == PARKED
    with pytest.raises(ActionError, match="ws-1 was not released: cancelled"):
        await _call("release", replace(PENDING, state="cancelled", final=True))


@pytest.mark.parametrize("action", ["contain", "release"])
async def test_a_foreign_state_to_resume_with_is_a_bug(action: str) -> None:
    with pytest.raises(TypeError, match="not its own"):
        await _call(action, PENDING, {"until": "later"})


async def test_forgotten_hosts_are_told_as_data_and_in_lines_that_fit_into_a_message() -> None:
    cordon = Cordon(PENDING)
    found = await connector.actions["containment.orphans"].call(Scene(containment=cordon), {"older_than": "12 h"})
    assert isinstance(found, Result)
    assert (found.outcome, cordon.asked) == ("found", [("orphans", {"older_than": 43_200.0})])
    assert isinstance(found.output, dict)
    assert found.output["count"] == 1
    assert str(found.output["report"]).startswith("wks-001 (")
    cordon.lost = [{"machine_name": f"wks-{number:03}", "why": "nobody " * 30} for number in range(100)]
    many = await connector.actions["containment.orphans"].call(Scene(containment=cordon), {})
    assert isinstance(many, Result)
    assert isinstance(many.output, dict)
    report = str(many.output["report"])
    assert len(report) < 5_000
    assert report.splitlines()[-1].endswith(" more.")
    cordon.lost = []
    none = await connector.actions["containment.orphans"].call(Scene(containment=cordon), {})
    assert none == Result("none", {"count": 0, "hosts": [], "report": ""})
