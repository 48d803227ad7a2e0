"""Each change is told once, whichever worker sees it and however often; and so is what time brings."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from approval_samples import ask
from notification_world import a_channel
from ringfence import clock
from ringfence.notifications import outbox
from ringfence.notifications.feed import CURSOR, Feed
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.cursors import position
from ringfence.storage.tables import accounts
from run_world import Time


def told(database: Database, organization: str) -> list[str]:
    return [each.event for each in database.read_now(lambda tx: outbox.listed(tx, organization))]


async def test_a_change_is_told_once_by_two_workers_that_see_it_twice(database: Database) -> None:
    organization = an_organization(database)
    a_channel(database, organization)
    database.run_now(lambda tx: position(tx, CURSOR))
    ask(database, organization)
    batch = database.read_now(lambda tx: changes.after(tx, 0))
    await asyncio.gather(*(Feed(database).handle(batch) for _ in range(3)))
    assert told(database, organization) == ["approval_asked"]
    assert database.run_now(lambda tx: position(tx, CURSOR)) == batch[-1].id


async def test_what_means_nothing_costs_no_write(database: Database) -> None:
    organization = an_organization(database)
    before = database.run_now(lambda tx: position(tx, CURSOR))
    database.run_now(lambda tx: tx.changed(organization, "run", "r-1", "requested"))
    await Feed(database).handle(database.read_now(lambda tx: changes.after(tx, before)))
    assert database.run_now(lambda tx: position(tx, CURSOR)) == before


async def test_a_credential_is_warned_of_as_its_end_comes_nearer(database: Database) -> None:
    time = Time().start()
    organization = an_organization(database)
    a_channel(database, organization)
    account = a_stored_account(database, organization)
    ends = (clock.now() + timedelta(days=31)).date()
    database.run_now(
        lambda tx: tx.execute(sa.update(accounts).where(accounts.c.id == account.id).values(secret_expires_on=ends))
    )
    feed = Feed(database)
    for days, expected in ((0, 1), (0, 1), (1, 2), (16, 3), (7, 4), (6, 5)):
        time.now += timedelta(days=days)
        await feed.look()
        found = told(database, organization)
        assert found.count("credential_expiring") == expected, days
    titles = [each.title for each in database.read_now(lambda tx: outbox.listed(tx, organization))]
    title = next(each for each in titles if each.startswith("The credential"))
    assert "expires in 1 days" in title or "expires today" in title


async def test_an_account_that_fails_is_reminded_of_until_it_works_again(database: Database) -> None:
    time = Time().start()
    organization = an_organization(database)
    a_channel(database, organization)
    account = a_stored_account(database, organization)
    feed = Feed(database)

    async def become(state: str) -> None:
        def work(tx: Transaction) -> None:
            tx.execute(sa.update(accounts).where(accounts.c.id == account.id).values(state=state))
            tx.changed(organization, "account", account.id, state)

        start = database.run_now(lambda tx: position(tx, CURSOR))
        await database.run(work)
        await feed.handle(await database.read(lambda tx: changes.after(tx, start)))

    await become("failed")
    assert told(database, organization).count("account_failed") == 1
    time.now += timedelta(hours=1)
    await feed.look()
    assert told(database, organization).count("account_failed") == 2
    await become("healthy")
    time.now += timedelta(hours=5)
    await feed.look()
    assert told(database, organization).count("account_failed") == 2
    await become("failed")
    assert told(database, organization).count("account_failed") == 3


async def test_the_task_follows_and_ends_when_told(embedded: Database) -> None:
    organization = an_organization(embedded)
    a_channel(embedded, organization)
    embedded.run_now(lambda tx: position(tx, CURSOR))
    stop = asyncio.Event()
    task = asyncio.create_task(Feed(embedded).run_forever(stop))
    ask(embedded, organization)
    async with asyncio.timeout(90):
        async for batch in changes.follow(embedded, 0):
            if any(each.noun == "notification" for each in batch):
                break
    stop.set()
    await task
    assert told(embedded, organization) == ["approval_asked"]
