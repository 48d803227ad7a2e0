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


async def test_a_follower_of_some_nouns_is_woken_by_these_and_misses_nothing(database: Database) -> None:
    following = changes.follow(database, 0, interval=3600, nouns=("alert",))
    seen: list[str] = []

    async def until_the_alert() -> None:
        while "2" not in seen:
            seen.extend([change.noun_id for change in await anext(following)])

    waiting = asyncio.create_task(until_the_alert())
    await database.run(lambda tx: tx.changed("o", "run", "1", "progress"))
    await database.run(lambda tx: tx.changed("o", "alert", "2", "created"))
    async with asyncio.timeout(60):
        await waiting
    assert seen == ["1", "2"]


async def test_while_a_batch_is_acted_on_the_next_gathers(embedded: Database) -> None:
    following = changes.follow(embedded, 0, gather=0.01)
    embedded.run_now(lambda tx: tx.changed("o", "run", "1", "progress"))
    assert [change.noun_id for change in await anext(following)] == ["1"]
    for number in ("2", "3", "4"):
        embedded.run_now(lambda tx, n=number: tx.changed("o", "run", n, "progress"))  # type: ignore[misc]
    assert [change.noun_id for change in await anext(following)] == ["2", "3", "4"]


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
