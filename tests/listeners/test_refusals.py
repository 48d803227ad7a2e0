from datetime import timedelta

from accounts_samples import an_organization
from listening_world import a_webhook, refused
from ringfence import clock
from ringfence.listeners import refusals, webhooks
from ringfence.listeners.refusals import KEPT, MOST, SAID, Reason, Refused
from ringfence.storage import Database
from run_world import Time


def test_what_is_refused_is_kept_one_by_one_up_to_a_number_and_counted_by_day_and_reason(database: Database) -> None:
    time, organization = Time().start(), an_organization(database)
    hook, _ = a_webhook(database, organization)
    other, _ = a_webhook(database, organization, "other")
    there = database.run_now(
        lambda tx: refusals.write(
            tx, {hook: refused(Reason.OFF, Reason.TIMESTAMP, dropped=7), clock.new_id(): refused(Reason.OFF)}
        )
    )
    assert there == {hook}
    kept = database.read_now(lambda tx: refusals.newest(tx, hook))
    assert {(each.reason, each.address, each.size) for each in kept} == {
        (Reason.OFF, "203.0.113.7", 512),
        (Reason.TIMESTAMP, "203.0.113.7", 512),
    }
    time.pass_by(timedelta(days=1).total_seconds())
    day = clock.now().date().isoformat()
    hostile = [(Reason.SIGNATURE, clock.now(), "\x00" + "a" * 500, None)] * (MOST + 5)
    flood = Refused(hostile, {(day, Reason.SIGNATURE): (MOST + 5, 0)})
    database.run_now(lambda tx: refusals.write(tx, {hook: flood}))
    kept = database.read_now(lambda tx: refusals.newest(tx, hook))
    assert (len(kept), {each.reason for each in kept}, len(kept[0].address) <= 100) == (MOST, {Reason.SIGNATURE}, True)
    found = database.read_now(lambda tx: refusals.by_day(tx, hook))
    assert [(each.reason, each.refused, each.dropped) for each in found] == [
        (Reason.SIGNATURE, MOST + 5, 0),
        (Reason.OFF, 8, 7),
        (Reason.TIMESTAMP, 1, 0),
    ]
    assert database.read_now(lambda tx: refusals.newest(tx, other) + refusals.by_day(tx, other)) == []


def test_what_is_older_than_it_is_kept_is_neither_shown_nor_stored(embedded: Database) -> None:
    time, organization = Time().start(), an_organization(embedded)
    hook, _ = a_webhook(embedded, organization)
    embedded.run_now(lambda tx: refusals.write(tx, {hook: refused(Reason.OFF)}))
    time.pass_by(KEPT.total_seconds() + 86_400)
    assert embedded.read_now(lambda tx: refusals.newest(tx, hook) + refusals.by_day(tx, hook)) == []
    assert [embedded.run_now(refusals.forget), embedded.run_now(refusals.forget)] == [2, 0]


def test_what_a_removed_webhook_refused_goes_with_it(embedded: Database) -> None:
    organization = an_organization(embedded)
    hook, _ = a_webhook(embedded, organization)
    embedded.run_now(lambda tx: refusals.write(tx, {hook: refused(Reason.OFF)}))
    embedded.run_now(lambda tx: webhooks.remove(tx, organization, "siem"))
    assert embedded.read_now(lambda tx: refusals.newest(tx, hook) + refusals.by_day(tx, hook)) == []


def test_every_reason_is_said_in_a_sentence() -> None:
    assert set(SAID) == set(Reason)
