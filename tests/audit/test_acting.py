import asyncio
import threading

from ringfence.audit.acting import ENGINE, Actor, Via, acting, actor, enter
from ringfence.storage import Database


def test_ringfence_itself_acts_where_nobody_has_come_in() -> None:
    assert actor() == ENGINE


def test_who_acts_is_known_inside_the_block_and_not_after_it() -> None:
    with acting("asmith", Via.PAGE):
        with acting("run:1", Via.ENGINE):
            assert actor() == Actor("run:1", Via.ENGINE)
        assert actor() == Actor("asmith", Via.PAGE)
    assert actor() == ENGINE


def test_who_acts_travels_into_the_threads_of_the_database_and_nowhere_else(embedded: Database) -> None:
    async def other() -> Actor:
        return await embedded.run(lambda tx: actor())

    async def mine() -> tuple[Actor, Actor, bool]:
        untouched = asyncio.create_task(other())
        enter("asmith", Via.API)
        ident = threading.get_ident()
        found, elsewhere = await embedded.run(lambda tx: (actor(), threading.get_ident() != ident))
        return found, await untouched, elsewhere

    assert asyncio.run(mine()) == (Actor("asmith", Via.API), ENGINE, True)
