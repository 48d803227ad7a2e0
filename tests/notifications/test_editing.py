from typing import Any

import pytest

from accounts_samples import an_organization
from alert_samples import publish
from notification_world import VAULT, Post, a_channel
from ringfence.audit import log
from ringfence.errors import Conflict, Invalid, NotFound, Outdated
from ringfence.notifications import channels, editing, outbox, rulebook
from ringfence.notifications.channels import Channel
from ringfence.notifications.editing import Wanted
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.notifications.routing import Rule, Who
from ringfence.notifications.sending import Mail, Security, Service, Target
from ringfence.storage import Database
from run_world import Time

SECRET = "T1JJ3T3L2-s3cret"
MAIL = Mail("smtp.contoso.com", 587, Security.STARTTLS, "soc@contoso.com", ("soc@contoso.com",), "soc", SECRET)


def change(database: Database, channel: Channel, *, seen: str | None = None, **wanted: Any) -> Channel:
    said = Wanted(**wanted)
    return database.run_now(
        lambda tx: editing.change(tx, VAULT, channel.organization_id, channel.id, said, by="ines", seen=seen)
    )


def leads(database: Database, channel: Channel) -> Target:
    return database.read_now(lambda tx: channels.target(tx, VAULT, channel))


async def test_what_waits_goes_to_the_new_address_at_once_and_the_audit_log_says_what_changed_without_secrets(
    database: Database,
) -> None:
    Time().start()
    organization = an_organization(database)
    made, post = a_channel(database, organization), Post(down=True)
    news = News(Event.CONTAINMENT_CONFIRMED, "c-1", "containment", "c-1", "A host is cut off", "", "/containment/c-1")
    database.run_now(lambda tx: outbox.tell(tx, organization, news))
    await post.delivery(database).deliver()
    failing = database.read_now(lambda tx: channels.by_name(tx, organization, made.id))
    assert failing.failures == 1
    post.down = False
    await post.delivery(database).deliver()
    assert post.sent == []
    changed = change(database, failing, address=f"json://hooks.contoso.com/{SECRET}", quiet="22:00-06:00 Europe/Berlin")
    assert (changed.id, changed.failures, changed.error, changed.delivered_at) == (made.id, 0, "", None)
    assert changed.quiet == "22:00-06:00 Europe/Berlin"
    await post.delivery(database).deliver()
    ((target, _, _),) = post.sent
    assert target == Service(f"json://hooks.contoso.com/{SECRET}")
    (written,) = database.read_now(
        lambda tx: [each for each in log.of_subject(tx, organization, "channel", [made.id]) if "changed" in each.event]
    )
    assert written.actor == "ines"
    assert "22:00-06:00 Europe/Berlin" in repr(written.details)
    assert SECRET not in repr(written)


def test_what_is_not_said_stays_and_a_failure_is_not_forgotten_by_other_hours(database: Database) -> None:
    organization = an_organization(database)
    made = a_channel(database, organization, target=MAIL, person="ines", events=("message",), quiet="22:00-06:00")
    database.run_now(lambda tx: channels.tried(tx, organization, made.id, "It is down."))
    after = change(database, made, quiet="", pause=60.0)
    assert (after.quiet, after.pause, after.person, after.events) == ("", 60.0, "ines", ("message",))
    assert (after.failures, after.error, after.shown) == (1, "It is down.", made.shown)
    assert leads(database, after) == MAIL
    before = database.read_now(lambda tx: len(log.of_subject(tx, organization, "channel", [made.id])))
    assert change(database, after, quiet=" ", events=["message", "message"]) == after
    assert database.read_now(lambda tx: len(log.of_subject(tx, organization, "channel", [made.id]))) == before


def test_what_waits_follows_new_quiet_hours(database: Database) -> None:
    time, organization = Time().start(), an_organization(database)
    made = a_channel(database, organization, quiet="11:00-13:00")

    def tell(event: Event, *, only: Channel | None = None) -> None:
        news = News(event, event, "containment", "c-1", "A host is cut off", "", "/containment/c-1")
        database.run_now(lambda tx: outbox.tell(tx, organization, news, only=only))

    def due() -> dict[str, str]:
        found = database.read_now(lambda tx: outbox.listed(tx, organization))
        return {each.event: f"{each.due_at:%H:%M}" for each in found}

    for event in (Event.CONTAINMENT_CONFIRMED, Event.BRAKE_TRIPPED):
        tell(event)
    tell(Event.MESSAGE, only=made)
    assert due() == {"containment_confirmed": "13:00", "brake_tripped": "12:00", "message": "13:00"}
    later = change(database, made, quiet="11:00-14:00", events=["containment_confirmed", "brake_tripped"])
    assert due() == {"containment_confirmed": "14:00", "brake_tripped": "12:00", "message": "14:00"}
    rule = Rule("night", Who(channels=("soc",)), quiet="11:00-13:30")
    database.run_now(lambda tx: rulebook.put(tx, organization, rule, by="ines"))
    time.pass_by(60)
    change(database, later, quiet="")
    assert set(due().values()) == {"12:00"}
    assert len(database.read_now(lambda tx: outbox.waiting(tx, made.id))) == 3
    change(database, later, name="night", quiet="11:00-15:00")
    assert due() == {"containment_confirmed": "15:00", "brake_tripped": "12:00", "message": "15:00"}


def test_a_password_goes_to_its_own_server_and_user_only(embedded: Database) -> None:
    made = a_channel(embedded, an_organization(embedded), target=MAIL)
    for elsewhere in ({"host": "smtp.fabrikam.com"}, {"user": "somebody"}, {"host": "", "user": ""}):
        with pytest.raises(Invalid):
            change(embedded, made, **elsewhere)
        assert leads(embedded, made) == MAIL
    after = change(embedded, made, to=["tom@contoso.com"], security="tls")
    assert leads(embedded, after) == Mail(
        "smtp.contoso.com", 465, Security.TLS, "tom@contoso.com", ("tom@contoso.com",), "soc", SECRET
    )
    after = change(embedded, made, host="smtp.fabrikam.com", password="other", port=2525, sender="soc@fabrikam.com")
    found = leads(embedded, after)
    assert isinstance(found, Mail)
    assert (found.host, found.port, found.sender, found.password) == (
        "smtp.fabrikam.com",
        2525,
        "soc@fabrikam.com",
        "other",
    )
    shown = embedded.read_now(lambda tx: editing.mail_of(tx, VAULT, after))
    assert shown is not None
    assert (shown.host, shown.password) == ("smtp.fabrikam.com", "")
    after = change(embedded, after, user="")
    assert "other" not in repr(leads(embedded, after))
    chat = change(embedded, after, address="json://hooks.contoso.com/x")
    assert (chat.kind, chat.id) == ("service", made.id)
    assert embedded.read_now(lambda tx: editing.mail_of(tx, VAULT, chat)) is None
    again = change(embedded, chat, host="smtp.contoso.com", to=["soc@contoso.com"])
    assert (again.kind, again.shown) == ("mail", "soc@contoso.com by smtp.contoso.com:587")


def test_what_cannot_be_a_channel_changes_nothing(embedded: Database) -> None:
    organization = an_organization(embedded)
    made, other = a_channel(embedded, organization), a_channel(embedded, organization, "other")
    for wrong in (
        {"name": " "},
        {"name": "a\nb"},
        {"events": ["everything"]},
        {"pause": float("nan")},
        {"quiet": "at night"},
        {"address": "file:///etc/passwd"},
        {"address": "json://hooks.contoso.com/x", "to": ["ines@contoso.com"]},
        {"user": "soc"},
        {"host": "smtp.contoso.com", "to": []},
        {"host": "smtp.contoso.com", "to": ["ines@contoso.com"], "security": "rot13"},
    ):
        with pytest.raises(Invalid):
            change(embedded, made, **wrong)
    for taken in ("other", other.id):
        with pytest.raises(Conflict):
            change(embedded, made, name=taken)
    address = embedded.run_now(lambda tx: channels.for_address(tx, organization, "duty@contoso.com"))
    with pytest.raises(Conflict, match="a rule or a service names"):
        change(embedded, address, to=["tom@contoso.com"])
    assert change(embedded, address, quiet="22:00-06:00").kind == channels.ADDRESS
    assert embedded.read_now(lambda tx: channels.by_name(tx, organization, made.id)) == made
    elsewhere = an_organization(embedded, "Fabrikam")
    with pytest.raises(NotFound):
        embedded.run_now(lambda tx: editing.change(tx, VAULT, elsewhere, made.id, Wanted(quiet=""), by="x"))


def test_rules_follow_a_new_name_and_a_playbook_that_names_the_old_one_keeps_it(embedded: Database) -> None:
    organization = an_organization(embedded)
    made = a_channel(embedded, organization)
    rule = Rule("night", Who(channels=("soc", "duty")), escalate_after=60.0, escalate_to=Who(channels=("soc",)))
    embedded.run_now(lambda tx: rulebook.put(tx, organization, rule, by="tests"))
    after = change(embedded, made, name=" tier-1 ")
    assert after.name == "tier-1"
    (kept,) = embedded.read_now(lambda tx: rulebook.every(tx, organization))
    assert (kept.who.channels, kept.escalate_to.channels) == (("tier-1", "duty"), ("tier-1",))
    steps = "{one: {action: notify.send, with: {to: [tier-1], text: Look.}}}"
    publish(embedded, organization, "Tell them", "{type: manual}", steps=steps)
    with pytest.raises(Conflict, match="Tell them"):
        change(embedded, after, name="tier-2")
    assert change(embedded, after, name="tier-1", pause=5).pause == 5


def test_a_change_to_what_somebody_else_has_changed_is_refused_also_where_only_the_secret_did(
    embedded: Database,
) -> None:
    made = a_channel(embedded, an_organization(embedded))
    seen = embedded.read_now(lambda tx: editing.version(tx, made))
    embedded.run_now(lambda tx: channels.tried(tx, made.organization_id, made.id, "It is down."))
    assert embedded.read_now(lambda tx: editing.version(tx, made)) == seen
    changed = change(embedded, made, address="json://hooks.contoso.com/other", seen=seen)
    assert changed.shown == made.shown
    with pytest.raises(Outdated):
        change(embedded, made, quiet="", seen=seen)
