import pytest

from response_world import HOST, Responses
from ringfence.errors import Forbidden
from ringfence.responses.kinds import TRAITS, Kind
from ringfence.responses.model import State


async def test_offboarding_needs_two_different_people_and_tells_that_there_is_no_undo(desk: Responses) -> None:
    asked = desk.request(Kind.OFFBOARD, requested_by="asmith")
    await desk.drive()
    question = desk.question(asked)
    assert TRAITS[Kind.OFFBOARD].undo in question.question.reasons
    with pytest.raises(Forbidden):
        desk.answer(asked, "asmith")
    desk.answer(asked, "bjones")
    await desk.drive()
    assert desk.look(asked).state is State.AWAITING_APPROVAL
    desk.answer(asked, "ckhan")
    await desk.settle(asked, State.DONE)
    assert desk.world.machine(HOST).record.document["onboardingStatus"] == "CanBeOnboarded"


async def test_one_no_is_enough(desk: Responses) -> None:
    asked = desk.request(Kind.OFFBOARD)
    await desk.drive()
    desk.answer(asked, "bjones", yes=False)
    await desk.settle(asked, State.REJECTED)
    assert desk.world.actions("Offboard") == []
