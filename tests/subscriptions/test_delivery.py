"""At least once, in order, ever more slowly, and not for ever."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.organizations import service as organizations
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.tables import notices
from ringfence.subscriptions import records
from ringfence.subscriptions.delivery import MOST_REFUSED
from ringfence.subscriptions.model import KEPT, State, Subscription
from subscription_world import Siem, a_subscription, deliver


def _ready(database: Database, *kinds: str) -> tuple[str, Subscription]:
    own = database.run_now(organizations.ensure_default).id
    made = a_subscription(database, own)

    def work(tx: Transaction) -> None:
        for number, kind in enumerate(kinds):
            records.put(tx, made, kind, {"type": kind}, change=number)

    database.run_now(work)
    return own, made


def _later(seconds: float) -> None:
    moment = clock.timestamp() + seconds
    clock.replace(lambda: moment)


async def test_messages_are_sent_in_the_order_of_their_coming_and_logged(database: Database) -> None:
    own, made = _ready(database, "run.one", "run.two")
    siem = Siem()
    delivery = siem.delivery(database)
    assert await deliver(delivery) == 1
    assert await deliver(delivery) == 1
    assert await deliver(delivery) == 0
    assert [each.message.kind for each in siem.sent] == ["run.one", "run.two"]
    assert siem.sent[0].address == "https://siem.contoso.com/hook"
    log = database.read_now(lambda tx: records.sent(tx, made))
    assert [(each.state, each.attempts, each.log[0].status) for each in log] == [("delivered", 1, 204)] * 2
    assert database.read_now(lambda tx: records.by_name(tx, own, "siem")).delivered_at is not None


async def test_what_fails_is_tried_again_ever_later_with_the_same_id(database: Database) -> None:
    own, _ = _ready(database, "run.one")
    siem = Siem(status=503)
    delivery = siem.delivery(database)
    await deliver(delivery)
    assert await deliver(delivery) == 0
    assert 0 < await delivery.pause() <= 5
    _later(6)
    await deliver(delivery)
    found = database.read_now(lambda tx: records.by_name(tx, own, "siem"))
    assert (found.failures, found.waiting, found.detail) == (2, 1, "The other side answered 503.")
    siem.status = 200
    _later(21)
    await deliver(delivery)
    found = database.read_now(lambda tx: records.by_name(tx, own, "siem"))
    assert (found.failures, found.failing_since, found.waiting, found.detail) == (0, None, 0, "")
    assert len({each.message.id for each in siem.sent}) == 1


async def test_a_message_that_is_called_wrong_does_not_hold_up_the_others_for_ever(database: Database) -> None:
    _, made = _ready(database, "run.one", "run.two")
    siem = Siem(status=400)
    delivery = siem.delivery(database)
    for _ in range(MOST_REFUSED):
        await deliver(delivery)
        _later(4_000)
    siem.status = 200
    await deliver(delivery)
    states = {each.kind: each.state for each in database.read_now(lambda tx: records.sent(tx, made))}
    assert states == {"run.one": "failed", "run.two": "delivered"}


async def test_who_takes_nothing_for_days_is_disabled_and_people_are_told(database: Database) -> None:
    own, _ = _ready(database, "run.one")
    siem = Siem(status=None)
    delivery = siem.delivery(database)
    await deliver(delivery)
    _later(timedelta(days=3, seconds=1).total_seconds())
    await deliver(delivery)
    found = database.read_now(lambda tx: records.by_name(tx, own, "siem"))
    assert (found.state, found.waiting) == (State.DISABLED, 1)
    told = database.read_now(lambda tx: tx.all(sa.select(notices.c.event)))
    assert [each["event"] for each in told] == ["subscription_disabled"]
    _later(10_000)
    assert await deliver(delivery) == 0
    database.run_now(lambda tx: records.change(tx, own, "siem", by="megan", state=State.ON))
    siem.status = 204
    await deliver(delivery)
    assert database.read_now(lambda tx: records.by_name(tx, own, "siem")).waiting == 0


async def test_gone_means_gone(database: Database) -> None:
    own, _ = _ready(database, "run.one")
    await deliver(Siem(status=410).delivery(database))
    assert database.read_now(lambda tx: records.by_name(tx, own, "siem")).state is State.DISABLED


async def test_one_worker_at_a_time_sends_and_what_died_while_sending_is_sent_again(database: Database) -> None:
    _ready(database, "run.one")
    first, second = Siem().delivery(database), Siem()
    for abandoned in await first.take():
        abandoned.close()
    assert await deliver(second.delivery(database)) == 0
    _later(61)
    assert await deliver(second.delivery(database)) == 1
    assert len(second.sent) == 1


async def test_messages_are_not_kept_for_ever(database: Database) -> None:
    _, made = _ready(database, "run.one")
    _later(KEPT.total_seconds() + 1)
    assert await deliver(Siem().delivery(database)) == 0
    assert database.read_now(lambda tx: records.sent(tx, made)) == []


async def test_a_change_wakes_the_worker(database: Database) -> None:
    own, made = _ready(database)
    siem, stop = Siem(), asyncio.Event()
    running = asyncio.create_task(siem.delivery(database).run(stop))
    database.run_now(lambda tx: records.try_out(tx, own, "siem"))
    async for batch in changes.follow(database, 0):
        if any((each.noun_id, each.kind) == (made.id, "delivered") for each in batch):
            break
    stop.set()
    await running
    assert [each.message.kind for each in siem.sent] == ["ringfence.test"]
