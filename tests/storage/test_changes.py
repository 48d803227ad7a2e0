"""Followers see every change, once, in order."""

import asyncio
from datetime import timedelta

from ringfence.storage import Database, Transaction, changes


async def test_a_follower_sees_what_came_before_and_after_it_began(database: Database) -> None:
    database.run_now(lambda tx: tx.changed("o", "alert", "1", "created"))
    following = changes.follow(database, 0, interval=30)
    first = await anext(following)
    assert [change.noun_id for change in first] == ["1"]
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    await database.run(lambda tx: tx.changed("o", "alert", "2", "created"))
    assert [change.noun_id for change in await waiting] == ["2"]


async def test_a_follower_of_one_organization_sees_only_its_changes(database: Database) -> None:
    def work(tx: Transaction) -> None:
        tx.changed("contoso", "alert", "1", "created")
        tx.changed("fabrikam", "alert", "2", "created")

    await database.run(work)
    batch = await anext(changes.follow(database, 0, organization_id="fabrikam"))
    assert [change.noun_id for change in batch] == ["2"]


def test_old_changes_are_forgotten_and_numbers_are_never_used_again(database: Database) -> None:
    database.run_now(lambda tx: tx.changed("o", "alert", "1", "created"))
    before = database.read_now(changes.latest)
    assert database.run_now(lambda tx: changes.forget(tx, older_than=timedelta(seconds=-5))) == 1
    database.run_now(lambda tx: tx.changed("o", "alert", "2", "created"))
    assert database.read_now(changes.latest) > before
