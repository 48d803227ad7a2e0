from dataclasses import replace

import pytest

from ringfence.audit import log
from ringfence.errors import Conflict, Forbidden, Invalid, MissingPermission, NotFound
from ringfence.organizations import service as organizations
from ringfence.security.rbac import Actor, Permission, command_line
from ringfence.storage import Database
from ringfence.views import columns, saved
from ringfence.views.lists import LISTS
from ringfence.views.saved import Filter
from views_world import people


def save(database: Database, asker: Actor, title: str, query: str, **more: bool) -> Filter:
    return database.run_now(lambda tx: saved.save(tx, asker, "alerts", title, query, **more))


def names(database: Database, asker: Actor, kind: str | None = None) -> list[str]:
    return [each.name for each in database.read_now(lambda tx: saved.visible(tx, asker, kind))]


def test_a_filter_is_kept_for_oneself_until_it_is_shared(database: Database) -> None:
    who = people(database)
    megan, alex = who["megan"], who["alex"]
    made = save(database, alex, "  My   queue ", "status=New&severity=High&cursor=abc")
    assert (made.name, made.query, made.mine, made.shared) == ("My queue", "severity=High&status=New", True, False)
    assert made.address == "/alerts?severity=High&status=New"
    assert (names(database, alex), names(database, megan)) == (["My queue"], [])
    database.run_now(lambda tx: saved.change(tx, alex, made.id, shared=True, title="Queue"))
    (seen,) = database.read_now(lambda tx: saved.visible(tx, megan))
    assert (seen.name, seen.owner, seen.mine) == ("Queue", "alex", False)
    save(database, megan, "zebra", "q=x")
    save(database, megan, "Apple", "q=x")
    assert names(database, megan, "alerts") == ["Apple", "zebra", "Queue"]
    assert names(database, megan, "incidents") == []
    written = database.read_now(lambda tx: [each.event for each in log.listing(tx, alex.organization_id).entries])
    assert "filter:shared" in written


def test_saving_under_a_name_of_one_s_own_replaces_the_filter(embedded: Database) -> None:
    alex = people(embedded)["alex"]
    first = save(embedded, alex, "Mine", "q=a", as_default=True)
    again = save(embedded, alex, "Mine", "q=b")
    assert (again.id, again.query, again.default) == (first.id, "q=b", True)
    other = save(embedded, alex, "Other", "q=b")
    with pytest.raises(Conflict, match="named 'Mine'"):
        embedded.run_now(lambda tx: saved.change(tx, alex, other.id, title="Mine"))


def test_a_default_is_of_one_person_and_ends_with_its_filter(database: Database) -> None:
    who = people(database)
    megan, alex = who["megan"], who["alex"]
    made = save(database, alex, "Queue", "q=a", shared=True, as_default=True)

    def default(asker: Actor) -> Filter | None:
        return database.read_now(lambda tx: saved.default(tx, asker, "alerts"))

    assert (default(alex) == made, default(megan)) == (True, None)
    database.run_now(lambda tx: saved.set_default(tx, megan, made.id, on=True))
    theirs = default(megan)
    assert theirs is not None
    assert theirs.id == made.id
    # What its owner shares no longer leads nobody else anywhere.
    database.run_now(lambda tx: saved.change(tx, alex, made.id, shared=False))
    assert default(megan) is None
    database.run_now(lambda tx: saved.set_default(tx, alex, made.id, on=False))
    assert default(alex) is None
    database.run_now(lambda tx: saved.set_default(tx, alex, made.id, on=True))
    database.run_now(lambda tx: columns.choose(tx, alex, LISTS["alerts"], ["host"]))
    database.run_now(lambda tx: saved.remove(tx, alex, made.id))
    assert default(alex) is None
    assert database.read_now(lambda tx: columns.shown(tx, alex, LISTS["alerts"])).own


def test_who_may_not_share_or_look_is_told_so(embedded: Database) -> None:
    who = people(embedded)
    megan, alex, ines = who["megan"], who["alex"], who["ines"]
    with pytest.raises(MissingPermission, match="share filters"):
        save(embedded, ines, "Ours", "q=a", shared=True)
    made = save(embedded, alex, "Ours", "q=a", shared=True)
    with pytest.raises(Forbidden, match="a filter of alex"):
        embedded.run_now(lambda tx: saved.change(tx, megan, made.id, title="Mine"))
    with pytest.raises(MissingPermission):
        embedded.run_now(lambda tx: saved.remove(tx, ines, made.id))
    # A token whose scopes leave out a list sees nothing of its filters.
    blind = replace(ines, permissions=ines.permissions - {Permission.ALERT_READ})
    assert names(embedded, blind) == []
    with pytest.raises(MissingPermission):
        save(embedded, blind, "Mine", "q=a")
    embedded.run_now(lambda tx: saved.remove(tx, megan, made.id))
    assert names(embedded, alex) == []


def test_filters_of_other_people_and_organizations_do_not_exist(embedded: Database) -> None:
    who = people(embedded)
    private = save(embedded, who["alex"], "Mine", "q=a")
    shared = save(embedded, who["alex"], "Ours", "q=a", shared=True)
    elsewhere = embedded.run_now(lambda tx: organizations.create(tx, "fabrikam")).id
    stranger = replace(who["megan"], organization_id=elsewhere)
    for asker, filter_id in ((who["megan"], private.id), (stranger, shared.id), (stranger, "none")):
        with pytest.raises(NotFound):
            embedded.run_now(lambda tx, who=asker, which=filter_id: saved.remove(tx, who, which))  # type: ignore[misc]


def test_what_cannot_be_kept_is_refused(embedded: Database) -> None:
    who = people(embedded)
    for title, query in (("", "q=a"), ("x" * 81, "q=a"), ("a\u0007", "q=a"), ("Mine", ""), ("Mine", "cursor=a")):
        with pytest.raises(Invalid):
            save(embedded, who["alex"], title, query)
    server = command_line("root", who["alex"].organization_id)
    with pytest.raises(Invalid, match="Only a person"):
        save(embedded, server, "Mine", "q=a")
    save(embedded, who["alex"], "Ours", "q=a", shared=True)
    assert names(embedded, server) == ["Ours"]
