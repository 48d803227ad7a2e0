from collections.abc import AsyncIterator

import pytest

from containment_world import World, a_world
from hands import Hands
from ringfence.actions import ActionError, Result
from ringfence.storage import Database

QUERY = "DeviceInfo | project DeviceId, DeviceName | order by DeviceName asc"


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


@pytest.mark.parametrize("action", ["defender.hunt", "xdr.hunt", "graph_security.hunt"])
async def test_a_hunt_gives_columns_and_rows_alike_at_each_address(world: World, action: str) -> None:
    hands = Hands(world)
    whole = await hands.call(action, {"query": QUERY})
    assert isinstance(whole, Result)
    found = hands.output(whole)
    assert found["columns"] == ["DeviceId", "DeviceName"]
    assert found["more"] is False
    rows = found["rows"]
    assert isinstance(rows, list)
    assert found["found"] == len(rows) > 1
    cut = await hands.call(action, {"query": QUERY, "rows": 1})
    assert isinstance(cut, Result)
    assert hands.output(cut) == {**found, "rows": rows[:1], "more": True}


@pytest.mark.parametrize("action", ["defender.hunt", "xdr.hunt", "graph_security.hunt"])
async def test_a_query_that_cannot_be_read_is_refused_in_the_words_of_the_engine(world: World, action: str) -> None:
    with pytest.raises(ActionError, match=r"Fix (syntax|semantic) errors"):
        await Hands(world).call(action, {"query": "DeviceInfo | wher x"})


async def test_how_far_back_is_said_in_plain_words(world: World) -> None:
    hands = Hands(world)
    assert isinstance(await hands.call("graph_security.hunt", {"query": QUERY, "within": "7 d"}), Result)
    with pytest.raises(ActionError, match="cannot look back 31 d"):
        await hands.call("graph_security.hunt", {"query": QUERY, "within": "31 d"})
