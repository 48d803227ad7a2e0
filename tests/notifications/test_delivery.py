"""What is due for a channel goes as one message, at least once, and again where it fails."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import an_organization
from approval_samples import ask
from notification_world import ADDRESS, VAULT, Post, a_channel
from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.notifications import channels, links, outbox
from ringfence.notifications.delivery import GIVE_UP, LEASE, Sender, try_out
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import Entry, News, Wait
from ringfence.notifications.sending import Service
from ringfence.storage import Database, changes
from ringfence.storage.tables import channels as table
from run_world import Time


def tell(database: Database, organization: str, key: str = "c-1", event: Event = Event.CONTAINMENT_CONFIRMED) -> bool:
    news = News(event, key, "containment", key, f"Host {key} is cut off", "Ransomware", f"/containment/{key}")
    return database.run_now(lambda tx: outbox.tell(tx, organization, news))


def entries(database: Database, organization: str) -> list[Entry]:
    return database.read_now(lambda tx: outbox.listed(tx, organization))


@pytest.fixture
def time() -> Time:
    return Time().start()


@pytest.fixture
def organization(database: Database, time: Time) -> str:
    return an_organization(database)


async def test_the_first_is_sent_at_once_and_what_comes_meanwhile_as_one(
    database: Database, organization: str, time: Time
) -> None:
    a_channel(database, organization)
    post = Post()
    delivery = post.delivery(database)
    assert tell(database, organization)
    assert not tell(database, organization)
    await delivery.deliver()
    assert len(post.sent) == 1
    assert f"See: {ADDRESS}/containment/c-1" in post.texts[0]
    for number in range(500):
        tell(database, organization, f"h-{number}")
    waits = {(each.state, each.next_at, each.waits_for) for each in entries(database, organization)}
    assert waits == {("waiting", time.now + timedelta(seconds=30), Wait.PAUSE)}
    assert 29 < await delivery.deliver() <= 30 or len(post.sent) == 1
    time.pass_by(31)
    await delivery.deliver()
    assert len(post.sent) == 2
    assert "500 things to know" in post.texts[1]
    assert {each.state for each in entries(database, organization)} == {"sent"}


async def test_what_fails_is_tried_again_ever_later_and_the_channel_says_why(
    database: Database, organization: str, time: Time
) -> None:
    a_channel(database, organization)
    post = Post(down=True)
    delivery = post.delivery(database)
    tell(database, organization)
    waits = []
    for _ in range(3):
        await delivery.deliver()
        channel = database.read_now(lambda tx: channels.by_name(tx, organization, "soc"))
        row = database.read_now(lambda tx: tx.one(sa.select(table.c.next_at)))
        assert row is not None
        waits.append((row["next_at"] - time.now).total_seconds())
        (entry,) = entries(database, organization)
        assert (entry.next_at, entry.waits_for) == (row["next_at"], Wait.RETRY)
        time.now = row["next_at"]
    assert waits == [30, 60, 120]
    assert channel.failures == 3
    assert "The service is down" in channel.error
    post.down = False
    await delivery.deliver()
    assert len(post.sent) == 1
    (entry,) = entries(database, organization)
    assert (entry.state, entry.attempts, entry.said) == ("sent", 4, "")
    assert (entry.next_at, entry.waits_for) == (None, None)
    assert database.read_now(lambda tx: channels.by_name(tx, organization, "soc")).error == ""


async def test_what_cannot_be_delivered_for_days_is_given_up(database: Database, organization: str, time: Time) -> None:
    a_channel(database, organization)
    post = Post(down=True)
    tell(database, organization)
    time.now += GIVE_UP
    time.pass_by(1)
    await post.delivery(database).deliver()
    (entry,) = entries(database, organization)
    assert entry.state == "failed"


async def test_two_workers_send_one_message_and_a_dead_ones_is_sent_again(
    database: Database, organization: str, time: Time
) -> None:
    a_channel(database, organization)
    post = Post()
    tell(database, organization)
    await asyncio.gather(post.delivery(database).deliver(), post.delivery(database).deliver())
    assert len(post.sent) == 1
    time.pass_by(31)
    tell(database, organization, "c-2")
    held = sa.update(table).values(lease_until=clock.now() + (GIVE_UP / GIVE_UP.total_seconds()) * LEASE)
    database.run_now(lambda tx: tx.execute(held))
    await post.delivery(database).deliver()
    assert len(post.sent) == 1
    time.pass_by(LEASE + 1)
    await post.delivery(database).deliver()
    assert len(post.sent) == 2


async def test_a_person_is_given_links_that_answer_and_a_shared_channel_is_not(
    database: Database, organization: str, time: Time
) -> None:
    a_channel(database, organization, "ines", person="ines")
    a_channel(database, organization, "soc")
    a_channel(database, organization, "olaf", person="olaf")
    asked = ask(database, organization, approvers=("ines", "tom"))
    news = News(Event.APPROVAL_ASKED, asked.id, "approval", asked.id, asked.question.text, "", f"/approvals/{asked.id}")
    database.run_now(lambda tx: outbox.tell(tx, organization, news))
    post = Post()
    await post.delivery(database).deliver()
    by_name = {
        target.address.rsplit("/", 1)[1]: text
        for (target, _, _), text in zip(post.sent, post.texts, strict=True)
        if isinstance(target, Service)
    }
    assert sorted(by_name) == ["ines", "soc"]
    assert "/answer?token=" not in by_name["soc"]
    assert f"See: {ADDRESS}/approvals/{asked.id}" in by_name["soc"]
    token = by_name["ines"].split("Approve: ")[1].split("token=")[1].split("\n")[0]
    after = database.run_now(lambda tx: links.use(tx, VAULT, token))
    assert after.detail == "Approved by ines."
    assert {each.state for each in entries(database, organization)} == {"sent", "dropped"}


async def test_a_question_that_is_over_is_not_told_any_more(database: Database, organization: str, time: Time) -> None:
    a_channel(database, organization)
    asked = ask(database, organization)
    news = News(Event.APPROVAL_ASKED, asked.id, "approval", asked.id, asked.question.text, "", f"/approvals/{asked.id}")
    database.run_now(lambda tx: outbox.tell(tx, organization, news))
    database.run_now(lambda tx: approvals.void(tx, asked, "Changed."))
    post = Post()
    await post.delivery(database).deliver()
    assert post.sent == []
    assert [each.state for each in entries(database, organization)] == ["dropped"]


async def test_the_task_delivers_what_comes_and_ends_when_told(embedded: Database) -> None:
    organization = an_organization(embedded)
    a_channel(embedded, organization)
    post, stop = Post(), asyncio.Event()
    task = asyncio.create_task(post.delivery(embedded).run_forever(stop))
    tell(embedded, organization)
    async with asyncio.timeout(90):
        async for batch in changes.follow(embedded, 0):
            if any(each.kind == "delivered" for each in batch):
                break
    stop.set()
    await task
    assert len(post.sent) == 1


async def test_a_test_says_that_it_is_one(embedded: Database) -> None:
    organization, post = an_organization(embedded), Post()
    a_channel(embedded, organization, "soc", target=Service("json://hooks.contoso.com/x"))
    sender = Sender(VAULT, ADDRESS, (), post)
    assert (await try_out(embedded, sender, organization, "soc")).name == "soc"
    assert "A test of the channel soc" in post.texts[0]
