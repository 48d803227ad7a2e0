from datetime import timedelta

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.actions import ActionError, Json
from ringfence.runs.effects import KEPT, NotMade, made_once
from ringfence.storage import Database
from ringfence.storage.tables import effects


class World:
    def __init__(self) -> None:
        self.made = 0
        self.ends: Exception | None = None

    async def make(self) -> Json:
        self.made += 1
        if self.ends is not None:
            raise self.ends
        return {"number": self.made}


async def test_an_effect_is_made_once_and_its_answer_kept(database: Database) -> None:
    world = World()
    for _ in range(3):
        assert await made_once(database, "r:s:0", None, world.make) == {"number": 1}
    assert world.made == 1
    assert await made_once(database, "r:s:1", "no-such-run", world.make) == {"number": 2}


async def test_what_was_cut_off_is_made_again_only_where_that_does_no_harm(embedded: Database) -> None:
    world = World()
    world.ends = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        await made_once(embedded, "k", None, world.make)
    with pytest.raises(ActionError, match="not known whether") as caught:
        await made_once(embedded, "k", None, world.make)
    assert caught.value.permanent
    assert world.made == 1
    world.ends = None
    assert await made_once(embedded, "k", None, world.make, harmless=True) == {"number": 2}


async def test_what_was_certainly_not_made_is_made_by_the_next_call(embedded: Database) -> None:
    world = World()
    world.ends = NotMade(ActionError("Busy.", code="busy", permanent=False))
    with pytest.raises(ActionError, match="Busy"):
        await made_once(embedded, "k", None, world.make)
    world.ends = None
    assert await made_once(embedded, "k", None, world.make) == {"number": 2}


async def test_effects_of_no_run_are_forgotten_after_a_week(embedded: Database) -> None:
    world = World()
    await made_once(embedded, "old", None, world.make)
    moment = clock.timestamp() + KEPT.total_seconds() + timedelta(minutes=1).total_seconds()
    clock.replace(lambda: moment)
    await made_once(embedded, "new", None, world.make)
    assert embedded.read_now(lambda tx: [row["key"] for row in tx.all(sa.select(effects.c.key))]) == ["new"]
