from datetime import timedelta

import sqlalchemy as sa

from accounts_samples import an_organization
from notification_world import a_channel
from ringfence.notifications import outbox, rulebook
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News, Wait
from ringfence.notifications.routing import Rule, Who
from ringfence.storage import Database
from ringfence.storage.tables import notices
from run_world import Time


def tell(database: Database, organization: str, event: Event, key: str = "x") -> bool:
    news = News(event, key, "account", key, "It has failed", "Refused.", "/accounts")
    return database.run_now(lambda tx: outbox.tell(tx, organization, news))


def test_it_is_told_once_to_every_channel_that_wants_it(database: Database) -> None:
    organization, other = an_organization(database), an_organization(database, "Fabrikam")
    a_channel(database, organization, "all")
    a_channel(database, organization, "some", events=("message",))
    a_channel(database, other, "theirs")
    assert tell(database, organization, Event.ACCOUNT_FAILED)
    assert not tell(database, organization, Event.ACCOUNT_FAILED)
    listed = database.read_now(lambda tx: outbox.listed(tx, organization))
    assert [(each.channel, each.event, each.state) for each in listed] == [("all", "account_failed", "waiting")]
    assert database.read_now(lambda tx: outbox.listed(tx, other)) == []


def test_what_stands_is_repeated_ever_more_rarely_until_it_ends_and_then_told_anew(database: Database) -> None:
    time = Time().start()
    organization = an_organization(database)
    channel = a_channel(database, organization)
    tell(database, organization, Event.ACCOUNT_FAILED)
    assert database.read_now(outbox.to_remind) == []
    for hours in (1, 4, 24):
        time.now += timedelta(hours=hours)
        (notice,) = database.read_now(outbox.to_remind)
        database.run_now(lambda tx, row=notice: outbox.remind(tx, row))  # type: ignore[misc]
        database.run_now(lambda tx, row=notice: outbox.remind(tx, row))  # type: ignore[misc]
    found = database.read_now(lambda tx: outbox.waiting(tx, channel.id))
    assert [each.round for each in found] == [0, 1, 2, 3]
    (notice,) = database.read_now(lambda tx: outbox.standing(tx, Event.ACCOUNT_FAILED, "x"))
    database.run_now(lambda tx: outbox.end(tx, notice))
    assert database.read_now(lambda tx: outbox.standing(tx, Event.ACCOUNT_FAILED, "x")) == []
    assert tell(database, organization, Event.ACCOUNT_FAILED)


def test_quiet_hours_hold_back_what_is_not_urgent(database: Database) -> None:
    time = Time().start()
    organization = an_organization(database)
    channel = a_channel(database, organization, quiet="11:00-13:00")
    tell(database, organization, Event.CONTAINMENT_CONFIRMED)
    tell(database, organization, Event.BRAKE_TRIPPED)
    assert [each.event for each in database.read_now(lambda tx: outbox.waiting(tx, channel.id))] == ["brake_tripped"]
    urgent, held = sorted(database.read_now(lambda tx: outbox.listed(tx, organization)), key=lambda each: each.event)
    assert (urgent.next_at, urgent.waits_for) == (urgent.due_at, None)
    assert (held.next_at, held.waits_for) == (time.now.replace(hour=13, minute=0, second=0, microsecond=0), Wait.QUIET)
    time.pass_by(3_601)
    assert len(database.read_now(lambda tx: outbox.waiting(tx, channel.id))) == 2


def test_an_escalation_says_that_it_waits_for_somebody_to_take_it_over(embedded: Database) -> None:
    time, organization = Time().start(), an_organization(embedded)
    a_channel(embedded, organization, by_rules=True)
    rule = Rule("night", Who(addresses=("duty@contoso.com",)), escalate_after=900.0, escalate_to=Who(channels=("soc",)))
    embedded.run_now(lambda tx: rulebook.put(tx, organization, rule, by="tests"))
    tell(embedded, organization, Event.ACCOUNT_FAILED)
    later, first = sorted(embedded.read_now(lambda tx: outbox.listed(tx, organization)), key=lambda each: each.round)
    assert (later.next_at, later.waits_for) == (time.now + timedelta(seconds=900), Wait.ESCALATION)
    assert first.waits_for is None
    assert {each.about for each in Wait} >= {"quiet hours"}


def test_what_was_told_long_ago_is_forgotten_unless_it_stands(database: Database) -> None:
    time = Time().start()
    organization = an_organization(database)
    tell(database, organization, Event.ACCOUNT_FAILED)
    tell(database, organization, Event.CONTAINMENT_CONFIRMED)
    time.now += timedelta(days=31)
    database.run_now(outbox.forget)
    left = database.read_now(lambda tx: tx.all(sa.select(notices.c.event)))
    assert [row["event"] for row in left] == ["account_failed"]
