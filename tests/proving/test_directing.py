from typing import Any

import pytest

from acting import Scene as Acting
from ringfence.actions import ActionError, Context, Result
from ringfence.actions.catalogue import discover
from ringfence.playbooks.mocks import Mock
from ringfence.proving.directing import Directed, step_of
from ringfence.proving.scenes import Scene


async def call(
    action_id: str, inputs: dict[str, Any], context: Context | None = None, **scene: Any
) -> tuple[Result, list[str]]:
    notes: list[str] = []
    action = Directed(discover(), Scene("one", None, **scene), notes.append).find(action_id)
    assert action is not None
    answer = await action.call(context or Acting(), inputs)
    assert isinstance(answer, Result)
    return answer, notes


STEP = step_of(Acting().step_key)


async def test_what_reaches_outside_is_taken_as_done_and_that_is_said() -> None:
    done, notes = await call("notify.send", {"to": "soc", "text": "x"})
    assert done.outcome == "success"
    assert "reaches outside" in notes[0]


async def test_what_only_computes_is_carried_out() -> None:
    done, notes = await call("logic.condition", {"test": "`false`"})
    assert (done.outcome, notes) == ("no", [])


async def test_a_decision_on_a_way_that_is_held_open_goes_that_way_and_that_is_said() -> None:
    done, notes = await call("logic.condition", {"test": "`false`"}, forced={STEP: "yes"})
    assert done.outcome == "yes"
    assert "made to end in yes" in notes[0]


async def test_a_mock_says_how_a_step_ends() -> None:
    done, _ = await call("defender.get_machine", {"machine": "x"}, mocks={STEP: Mock(output={"a": 1})})
    assert done.output == {"a": 1}
    with pytest.raises(ActionError, match="away"):
        await call("defender.get_machine", {"machine": "x"}, mocks={STEP: Mock(error="away")})
    busy = {STEP: Mock(error="busy", code="Throttled", times=1)}
    with pytest.raises(ActionError) as first:
        await call("defender.get_machine", {"machine": "x"}, mocks=busy)
    assert (first.value.code, first.value.permanent) == ("Throttled", False)
    assert (await call("defender.get_machine", {"machine": "x"}, Acting(attempt=2), mocks=busy))[0].output is None


async def test_what_cuts_off_and_lets_go_is_never_stood_in_for() -> None:
    directed = Directed(discover(), Scene("one", None, mocks={STEP: Mock(outcome="success")}), lambda said: None)
    for action_id in ("containment.contain", "containment.release"):
        assert directed.find(action_id) is discover().find(action_id)
    assert directed.find("no.such") is None


def test_the_name_of_a_step_is_found_in_its_key_also_in_a_component() -> None:
    assert step_of("01-run:look/machine:3") == "look/machine"
