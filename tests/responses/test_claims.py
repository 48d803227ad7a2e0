import pytest

from response_world import Responses
from ringfence.errors import LeaseLost
from ringfence.responses import claims
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def test_one_driver_has_it_and_who_lost_it_writes_nothing(desk: Responses) -> None:
    desk.request(Kind.SCAN)
    run = desk.world.database.run_now
    (mine,) = run(lambda tx: claims.claim_due(tx, owner="one"))
    assert run(lambda tx: claims.claim_due(tx, owner="two")) == []
    desk.world.advance(claims.LEASE + 1)
    (theirs,) = run(lambda tx: claims.claim_due(tx, owner="two"))
    with pytest.raises(LeaseLost):
        run(lambda tx: claims.move(tx, mine, State.DENIED, "late"))
    with pytest.raises(LeaseLost):
        run(lambda tx: claims.note(tx, mine, attempts=9))
    run(lambda tx: claims.rest(tx, theirs, until=None, detail="waiting"))
    assert run(claims.next_due) is None
