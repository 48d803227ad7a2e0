from response_world import Responses
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def test_throttling_is_waited_out(desk: Responses) -> None:
    desk.world.fault("status", "run_av_scan", status=429, times=3)
    asked = desk.request(Kind.SCAN)
    await desk.settle(asked, State.DONE, within=3600)
    assert len(desk.world.actions("RunAntiVirusScan")) == 1


async def test_a_missing_role_ends_what_was_never_sent(desk: Responses) -> None:
    desk.world.app.roles[:] = []
    asked = desk.request(Kind.SCAN)
    desk.world.fault("status", "get_machine", status=403)
    desk.world.fault("status", "list_machines", status=403)
    await desk.settle(asked, State.FAILED, within=3600)
    assert desk.world.actions("RunAntiVirusScan") == []
