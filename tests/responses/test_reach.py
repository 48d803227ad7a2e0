from datetime import timedelta

import pytest

from response_world import Responses
from ringfence import clock
from ringfence.responses.kinds import Kind
from ringfence.responses.reach import Reach


async def test_nothing_is_sent_by_who_was_held_up_since_it_was_announced(desk: Responses) -> None:
    reach = Reach(desk.world.database, await desk.world.clients.get(desk.world.account_id), 0.0)

    async def request() -> str:
        return "sent"

    assert await reach.send(clock.now(), request) == "sent"
    for moment in (None, clock.now() - timedelta(seconds=6)):
        with pytest.raises(TimeoutError):
            await reach.send(moment, request)
    assert reach.again(desk.request(Kind.SCAN), "x").until is not None
