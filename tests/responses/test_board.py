import pytest

from response_world import Responses
from ringfence.errors import Invalid, NotFound
from ringfence.responses import board
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def test_responses_are_listed_counted_and_shown_to_their_organization_only(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    waiting = desk.request(Kind.OFFBOARD, "wks-002")
    await desk.drive()
    database, organization = desk.world.database, desk.world.organization_id
    page = database.read_now(lambda tx: board.listing(tx, organization, limit=1))
    assert [row.id for row in page.rows] == [waiting.id]
    rest = database.read_now(lambda tx: board.listing(tx, organization, cursor=page.next, text="WKS-001", live=True))
    assert [row.id for row in rest.rows] == [asked.id]
    counts = database.read_now(lambda tx: board.counts(tx, organization))
    assert (counts.in_effect, counts.waiting, counts.attention) == (1, 1, 0)
    found = database.read_now(lambda tx: board.get(tx, organization, asked.id))
    assert found.row.in_effect
    assert found.row.can_be_taken_back
    with pytest.raises(NotFound):
        database.read_now(lambda tx: board.get(tx, "other", asked.id))
    with pytest.raises(Invalid):
        database.read_now(lambda tx: board.listing(tx, organization, cursor="nothing"))
