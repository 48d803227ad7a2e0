from collections.abc import Mapping

import pytest

from acting import NOON, Desk, Responder, Scene
from ringfence.actions import ActionError, Duration, Json, ResponseState, Result, Wait
from ringfence.connectors.defender.responding import follow, follow_undo, output, thread

PARKED: Json = {"response": "r1", "since": NOON.isoformat()}


def scene(state: str, *, resumed: Json = None, **more: object) -> Scene:
    now = ResponseState("r1", state, **more)  # type: ignore[arg-type]
    return Scene(defender=Desk(responses=Responder(now)), resumed=resumed)


async def followed(where: Scene, *, wait: bool = True, timeout: str = "") -> Result | Wait:
    seen = await follow(
        where,
        "antivirus_scan",
        what="The scan",
        comment="Odd",
        wait=wait,
        timeout=Duration.parse(timeout) if timeout else None,
    )
    return seen if isinstance(seen, Wait) else seen[1]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("denied", "denied"),
        ("rejected", "rejected"),
        ("expired", "rejected"),
        ("not_needed", "not_needed"),
        ("timed_out", "timed_out"),
        ("withdrawn", "timed_out"),
    ],
)
async def test_whatever_is_not_done_has_an_outcome_of_its_own(state: str, outcome: str) -> None:
    answer = await followed(scene(state, final=True))
    assert isinstance(answer, Result)
    assert answer.outcome == outcome


async def test_what_is_confirmed_is_a_success_with_the_machine_action() -> None:
    made: Mapping[str, Json] = {"id": "x", "status": "Succeeded"}
    where = scene("done", done=True, final=True, accepted=True, made=dict(made))
    answer = await followed(where)
    assert isinstance(answer, Result)
    assert answer.outcome == "success"
    assert isinstance(answer.output, dict)
    assert answer.output["id"] == "x"


async def test_without_waiting_what_defender_accepted_is_enough() -> None:
    assert isinstance(await followed(scene("pending", accepted=True), wait=False), Result)
    assert isinstance(await followed(scene("awaiting_approval"), wait=False), Wait)
    assert isinstance(await followed(scene("pending", accepted=True)), Wait)


async def test_a_failure_is_an_error_with_the_code_that_defender_gave() -> None:
    with pytest.raises(ActionError) as raised:
        await followed(scene("failed", final=True, code="Forbidden", detail="Missing roles."))
    assert (raised.value.code, raised.value.permanent) == ("Forbidden", True)
    assert "ringfence response show r1" in raised.value.advice
    with pytest.raises(ActionError, match="cancelled"):
        await followed(scene("cancelled", final=True))


async def test_a_step_is_woken_by_its_response_and_gives_up_after_its_timeout() -> None:
    wait = await followed(scene("pending", accepted=True), timeout="2 min")
    assert isinstance(wait, Wait)
    assert wait.topics == ("response:r1",)
    assert wait.until is not None
    assert (wait.until - NOON).total_seconds() == 120
    late = scene("pending", accepted=True, resumed={"response": "r1", "since": "2026-01-31T11:00:00+00:00"})
    answer = await followed(late, timeout="2 min")
    assert isinstance(answer, Result)
    assert answer.outcome == "timed_out"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("undone", "success"),
        ("cancelled", "success"),
        ("superseded", "not_owned"),
        ("not_owned", "not_owned"),
        ("still_held", "still_held"),
    ],
)
async def test_taking_back_tells_how_it_ended(state: str, outcome: str) -> None:
    where = scene(state, final=True)
    answer = await follow_undo(
        where, "restrict_app_execution", what="It", machine="m", comment="Clean", wait=True, timeout=None
    )
    assert isinstance(answer, Result)
    assert answer.outcome == outcome


async def test_an_undoing_that_failed_is_an_error_and_goes_on() -> None:
    where = scene("undo_failed", resumed=PARKED, code="Forbidden")
    with pytest.raises(ActionError, match="not taken back yet") as raised:
        await follow_undo(
            where, "restrict_app_execution", what="It", machine="m", comment="Clean", wait=True, timeout=None
        )
    assert raised.value.code == "Forbidden"


def test_a_state_that_is_not_its_own_is_a_bug() -> None:
    with pytest.raises(TypeError):
        thread({"id": "x"})
    assert output(ResponseState("r1", "done", made=[1]))["response"] == ResponseState("r1", "done").to_json()
