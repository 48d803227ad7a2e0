from response_world import Responses
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def test_the_limit_of_an_hour_counts_what_was_decided(desk: Responses) -> None:
    desk.world.set_policy(responses={"restrict": "allow", "max_per_hour": 1})
    await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    second = desk.request(Kind.RESTRICT, "wks-002")
    await desk.settle(second, State.DENIED)
    assert "max_per_hour" in desk.look(second).detail
    desk.world.advance(3700)
    await desk.settle(desk.request(Kind.RESTRICT, "wks-002"), State.DONE)


async def test_what_was_decided_long_ago_is_decided_again_before_it_is_sent(desk: Responses) -> None:
    desk.world.change("wks-001", online=False)
    desk.world.portal("wks-001", "UnrestrictCodeExecution")
    asked = desk.request(Kind.RESTRICT)
    await desk.drive()
    desk.world.advance(600)
    desk.world.change("wks-001", tags=["Backup"], online=True)
    await desk.settle(asked, State.DENIED)
    assert desk.world.actions("RestrictCodeExecution") == []
