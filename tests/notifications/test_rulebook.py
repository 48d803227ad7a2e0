from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import an_organization
from notification_world import Post, a_channel
from ringfence.audit import log
from ringfence.errors import Conflict, Invalid, NotFound, Outdated
from ringfence.notifications import outbox, rulebook
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.notifications.routing import Rule, Who
from ringfence.organizations import teams
from ringfence.storage import Database
from ringfence.storage.tables import notices
from run_world import Time

RULE = Rule(
    " night ",
    Who(("soc", "soc"), (" ines ",), (), ("soc@contoso.com",)),
    ("kill_switch", "account_failed", "account_failed"),
    "High",
    ("Servers", ""),
    "22:00-06:00 Europe/Berlin",
    900.0,
    Who(teams=("tier-2",)),
)


def _put(database: Database, organization: str, rule: Rule) -> Rule:
    return database.run_now(lambda tx: rulebook.put(tx, organization, rule, by="megan"))


def _tell(database: Database, organization: str, key: str, event: Event = Event.ACCOUNT_FAILED) -> str:
    news = News(event, key, "account", key, "It has failed", "Refused.", "/accounts", "High", "Servers")
    database.run_now(lambda tx: outbox.tell(tx, organization, news))
    query = sa.select(notices.c.id).where(notices.c.noun_id == key)
    return str(database.read_now(lambda tx: tx.scalar(query)))


def test_a_rule_is_kept_changed_and_removed_and_each_is_written_down(database: Database) -> None:
    organization, other = an_organization(database), an_organization(database, "Fabrikam")
    made = _put(database, organization, RULE)
    assert (made.name, made.who.channels, made.who.people) == ("night", ("soc",), ("ines",))
    assert (made.events, made.device_groups) == (("account_failed", "kill_switch"), ("Servers",))
    assert made.escalate_to == Who(teams=("tier-2",))
    changed = _put(database, organization, replace(made, severity="", enabled=False))
    assert (changed.id, changed.severity, changed.enabled) == (made.id, "", False)
    assert rulebook.edition(changed) != rulebook.edition(made)
    with pytest.raises(Outdated, match="changed it"):
        database.run_now(lambda tx: rulebook.put(tx, organization, made, by="ines", seen=rulebook.edition(made)))
    named = replace(changed, id="night")
    seen = rulebook.edition(changed)
    assert database.run_now(lambda tx: rulebook.put(tx, organization, named, by="megan", seen=seen)) == changed
    with pytest.raises(Conflict, match="already is a rule"):
        _put(database, organization, RULE)
    with pytest.raises(NotFound):
        _put(database, other, replace(made, name="stolen"))
    assert database.read_now(lambda tx: rulebook.every(tx, other)) == []
    database.run_now(lambda tx: rulebook.remove(tx, organization, "night", by="megan"))
    assert database.read_now(lambda tx: rulebook.every(tx, organization)) == []
    told = database.read_now(lambda tx: log.listing(tx, organization, event="notification_rule")).entries
    assert [each.event.partition(":")[2] for each in told] == ["removed", "changed", "changed", "changed"]


def test_what_cannot_be_meant_is_refused() -> None:
    for wrong in (
        replace(RULE, name="a\nb"),
        replace(RULE, who=Who()),
        replace(RULE, events=("nonsense",)),
        replace(RULE, severity="Huge"),
        replace(RULE, quiet="at night"),
        replace(RULE, quiet="22:00-06:00 Mars/Olympus"),
        replace(RULE, escalate_after=1.0),
        replace(RULE, escalate_after=None),
        replace(RULE, escalate_to=Who()),
        replace(RULE, who=Who(addresses=("soc@contoso.com\r\nBcc: eve@fabrikam.com",))),
        replace(RULE, who=Who(addresses=("nobody",))),
        replace(RULE, who=Who(channels=tuple(map(str, range(101))))),
    ):
        with pytest.raises(Invalid):
            rulebook.check(wrong)


async def test_a_rule_sends_where_no_list_would_and_calls_others_unless_somebody_takes_it_over(
    embedded: Database,
) -> None:
    time = Time().start()
    organization = an_organization(embedded)
    a_channel(embedded, organization, "soc", by_rules=True)
    a_channel(embedded, organization, "ines", by_rules=True, person="ines")
    embedded.run_now(lambda tx: teams.put(tx, organization, "tier-2", ["ines"]))
    _put(embedded, organization, replace(RULE, who=Who(("soc",)), quiet=""))
    post = Post()
    delivery = post.delivery(embedded)
    taken, left = _tell(embedded, organization, "taken"), _tell(embedded, organization, "left")
    await delivery.deliver()
    assert len(post.sent) == 1
    embedded.run_now(lambda tx: outbox.take(tx, organization, taken, by="megan"))
    time.now += timedelta(minutes=16)
    await delivery.deliver()
    assert "Nobody has taken this over: It has failed" in post.texts[1]
    assert "things to know" not in post.texts[1]
    states = {
        (each.notice_id, each.round): each.state
        for each in embedded.read_now(lambda tx: outbox.listed(tx, organization))
    }
    assert states[taken, -1] == "dropped"
    assert states[left, -1] == "sent"
    other = an_organization(embedded, "Fabrikam")
    with pytest.raises(NotFound):
        embedded.run_now(lambda tx: outbox.take(tx, other, left, by="eve"))
    (entry,) = embedded.read_now(lambda tx: log.listing(tx, organization, event="notification:taken")).entries
    assert (entry.actor, entry.subject_id) == ("megan", taken)


def test_the_preview_says_what_would_have_been_sent_in_seven_days_and_when(embedded: Database) -> None:
    time = Time().start()
    organization = an_organization(embedded)
    a_channel(embedded, organization, "soc")
    _tell(embedded, organization, "long-ago")
    time.now += timedelta(days=8)
    _tell(embedded, organization, "recent")
    _tell(embedded, organization, "other", Event.BRAKE_TRIPPED)
    time.now += timedelta(hours=2)
    rule = replace(RULE, who=Who(("soc",), addresses=("new@contoso.com",)), escalate_to=Who(("soc",)), quiet="")
    before = embedded.read_now(lambda tx: outbox.listed(tx, organization))
    (line,) = embedded.read_now(lambda tx: rulebook.preview(tx, organization, rule))
    assert (line.event, line.title) == ("account_failed", "It has failed")
    assert [(each.to, each.escalated) for each in line.deliveries] == [
        ("soc", False),
        ("new@contoso.com", False),
        ("soc", True),
    ]
    assert embedded.read_now(lambda tx: outbox.listed(tx, organization)) == before
    assert embedded.read_now(lambda tx: rulebook.preview(tx, organization, replace(rule, severity="High"))) == [line]
