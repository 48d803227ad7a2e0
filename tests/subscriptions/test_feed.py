"""From the change feed to messages on their way."""

import asyncio

from ringfence.organizations import service as organizations
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.cursors import position
from ringfence.subscriptions import records
from ringfence.subscriptions.feed import CURSOR, Feed
from ringfence.subscriptions.model import Message, State
from subscription_world import ORIGIN, a_subscription


def _changed(database: Database, organization_id: str, *things: tuple[str, str]) -> list[changes.Change]:
    before = database.read_now(changes.latest)

    def work(tx: Transaction) -> None:
        for noun, kind in things:
            tx.changed(organization_id, noun, "id-1", kind)

    database.run_now(work)
    return database.read_now(lambda tx: changes.after(tx, before))


def _sent(database: Database, organization_id: str) -> list[Message]:
    found = database.read_now(lambda tx: records.every(tx, organization_id))
    return [each for one in found for each in database.read_now(lambda tx, one=one: records.sent(tx, one))]  # type: ignore[misc]


async def test_a_change_becomes_one_message_for_each_that_wants_it_whoever_reads_it(database: Database) -> None:
    own = database.run_now(organizations.ensure_default).id
    other = database.run_now(lambda tx: organizations.create(tx, "Fabrikam")).id
    first, second = Feed(database, ORIGIN), Feed(database, ORIGIN)
    database.run_now(lambda tx: position(tx, CURSOR))
    early = _changed(database, own, ("run", "over"))
    a_subscription(database, own, "run.over", name="runs")
    a_subscription(database, own, name="all")
    a_subscription(database, other, name="foreign")
    batch = _changed(database, own, ("run", "over"), ("run", "progress"), ("session", "ended"))
    await asyncio.gather(first.handle([*early, *batch]), second.handle([*early, *batch]))
    await second.handle(batch)
    assert sorted(each.kind for each in _sent(database, own)) == ["run.over", "run.over", "run.progress"]
    assert _sent(database, other) == []
    said = _sent(database, own)[0].body["data"]
    assert (said["organization_id"], said["api"]) == (own, f"{ORIGIN}/api/v1/runs/id-1")


async def test_what_happens_while_it_is_paused_is_not_told_and_while_it_is_disabled_it_waits(
    database: Database,
) -> None:
    own = database.run_now(organizations.ensure_default).id
    feed = Feed(database, ORIGIN)
    database.run_now(lambda tx: position(tx, CURSOR))
    a_subscription(database, own)
    database.run_now(lambda tx: records.change(tx, own, "siem", by="megan", state=State.PAUSED))
    await feed.handle(_changed(database, own, ("run", "over")))
    assert _sent(database, own) == []
    database.run_now(lambda tx: records.change(tx, own, "siem", by="megan", state=State.ON))
    await feed.handle(_changed(database, own, ("alert", "created")))
    assert [each.kind for each in _sent(database, own)] == ["alert.created"]


async def test_it_follows_until_it_is_told_to_stop(database: Database) -> None:
    own = database.run_now(organizations.ensure_default).id
    a_subscription(database, own)
    database.run_now(lambda tx: position(tx, CURSOR))
    stop = asyncio.Event()
    running = asyncio.create_task(Feed(database, ORIGIN).run_forever(stop))
    _changed(database, own, ("run", "over"))
    follow = changes.follow(database, 0)
    async for batch in follow:
        if any((each.noun, each.kind) == ("subscription", "waiting") for each in batch):
            break
    stop.set()
    await running
    assert [each.kind for each in _sent(database, own)] == ["run.over"]
