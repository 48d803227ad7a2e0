import json
from functools import partial

import pytest

from accounts_samples import an_organization
from ringfence.actions.catalogue import discover
from ringfence.audit import log
from ringfence.errors import Invalid, NotFound, Outdated
from ringfence.playbooks import drafts, library
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.drafts import Draft
from ringfence.storage import Database

TEXT = example("one: {action: logic.set, with: {values: {a: 1}}}", name="Look")


def _save(database: Database, organization: str, text: str, expected: int | None = None, by: str = "ada") -> Draft:
    return database.run_now(lambda tx: drafts.save(tx, organization, text, by, expected=expected))


def test_each_save_is_kept_and_only_the_newest_is_open(database: Database) -> None:
    organization = an_organization(database)
    first = _save(database, organization, TEXT, 0)
    assert (first.revision, first.base, first.open, first.name) == (1, "", True, "Look")
    assert _save(database, organization, TEXT).revision == 1
    second = _save(database, organization, TEXT.replace("a: 1", "a: 2"), 1, by="megan")
    assert (second.revision, second.saved_by) == (2, "megan")
    kept = database.read_now(lambda tx: drafts.history(tx, organization, "Look"))
    assert [(each.revision, each.open, "a: 2" in each.source) for each in kept] == [(2, True, True), (1, False, False)]
    assert database.read_now(lambda tx: drafts.opened(tx, organization)) == [second]
    assert database.read_now(lambda tx: library.every(tx, organization)) == []


def test_who_has_not_seen_the_newest_save_overwrites_nothing(embedded: Database) -> None:
    organization = an_organization(embedded)
    _save(embedded, organization, TEXT)
    _save(embedded, organization, TEXT + "# megan\n", 1, by="megan")
    with pytest.raises(Outdated, match="at revision 2, saved by megan; you have seen 1") as caught:
        _save(embedded, organization, TEXT + "# ada\n", 1)
    assert "Nothing was saved" in caught.value.advice
    with pytest.raises(Outdated):
        embedded.run_now(lambda tx: drafts.discard(tx, organization, "Look", "ada", expected=1))


def test_a_discarded_draft_is_kept_and_may_be_begun_again(embedded: Database) -> None:
    organization = an_organization(embedded)
    _save(embedded, organization, TEXT)
    embedded.run_now(lambda tx: drafts.discard(tx, organization, "Look", "ada"))
    with pytest.raises(NotFound, match="has no draft"):
        embedded.read_now(lambda tx: drafts.current(tx, organization, "Look"))
    with pytest.raises(Outdated, match="is closed"):
        _save(embedded, organization, TEXT, 1)
    assert embedded.read_now(lambda tx: drafts.revision(tx, organization, "Look", 1)).source == TEXT
    assert _save(embedded, organization, TEXT, 0).revision == 2
    written = embedded.read_now(lambda tx: log.listing(tx, organization, event="playbook")).entries
    assert [(each.event, json.loads(each.details)["revision"]) for each in written] == [
        ("playbook:drafted", 2),
        ("playbook:draft_discarded", 1),
        ("playbook:drafted", 1),
    ]


def test_a_draft_may_have_errors_but_says_whose_it_is(embedded: Database) -> None:
    organization = an_organization(embedded)
    assert _save(embedded, organization, "name: Look\nsteps: 7\n").name == "Look"
    for text in ("steps: [", "", "name: ''\n", "name: [a]\n", f"name: {'x' * 201}\n", 'name: "a\\tb"\n'):
        with pytest.raises(Invalid, match="which playbook it is"):
            _save(embedded, organization, text)
    broken = embedded.run_now(lambda tx: drafts.save(tx, organization, "steps: [", "ada", playbook="Look"))
    assert broken.source == "steps: ["
    with pytest.raises(Invalid, match="cannot be stored"):
        _save(embedded, organization, TEXT + "# \x00")


def test_a_draft_begins_from_the_newest_version_and_stays_so(embedded: Database) -> None:
    organization = an_organization(embedded)
    catalogue = discover()
    embedded.run_now(lambda tx: library.publish(tx, organization, TEXT, "ada", catalogue=catalogue))
    _save(embedded, organization, TEXT + "# 1\n")
    embedded.run_now(lambda tx: library.publish(tx, organization, TEXT + "# x\n", "ada", catalogue=catalogue))
    assert _save(embedded, organization, TEXT + "# 2\n").base == "1.0"


def test_drafts_of_another_organization_are_not_there(embedded: Database) -> None:
    organization, other = an_organization(embedded), an_organization(embedded, "Fabrikam")
    draft = _save(embedded, organization, TEXT)
    for name in ("Look", draft.playbook_id):
        with pytest.raises(NotFound):
            embedded.read_now(partial(drafts.find, organization_id=other, playbook=name))
    with pytest.raises(NotFound, match="no draft 7"):
        embedded.read_now(lambda tx: drafts.revision(tx, organization, "Look", 7))
