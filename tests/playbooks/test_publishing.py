from functools import partial

import pytest

from accounts_samples import an_organization
from ringfence.actions.catalogue import discover
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, State
from ringfence.containment import asking
from ringfence.errors import Conflict, Forbidden, Invalid, MissingPermission
from ringfence.organizations import members
from ringfence.playbooks import drafts, library, rules
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.library import PlaybookState, Release
from ringfence.playbooks.publishing import Done, Publishing
from ringfence.playbooks.rules import Rules
from ringfence.security.rbac import Role
from ringfence.storage import Database

TEXT = example("one: {action: logic.set, with: {values: {a: 1}}}", name="Look")
OTHER = TEXT.replace("a: 1", "a: 2")
CUTS = example("cut: {action: containment.contain, with: {machine: x, reason: y, auto_release: 1 h}}", name="Cut")
PUBLISHING = Publishing(discover())


def _people(database: Database, wanted: Rules) -> str:
    organization = an_organization(database)
    for name in ("adele", "megan", "nestor"):
        database.run_now(
            partial(members.ensure, organization_id=organization, name=name, role=Role.ORGANIZATION_ADMINISTRATOR)
        )
    database.run_now(lambda tx: rules.put(tx, organization, wanted, "adele"))
    return organization


def _publish(database: Database, organization: str, text: str, by: str = "adele", *, major: bool = False) -> Done:
    release = Release(major=major)
    return database.run_now(lambda tx: PUBLISHING.publish(tx, organization, text, by, release=release))


def _save(database: Database, organization: str, text: str, by: str = "adele") -> None:
    database.run_now(lambda tx: drafts.save(tx, organization, text, by))


def _answer(database: Database, asked: Approval | None, by: str, *, yes: bool = True) -> Approval:
    assert asked is not None
    return database.run_now(
        lambda tx: asking.answer(
            tx, asked.id, organization_id=asked.organization_id, by=by, yes=yes, via="page", comment=""
        )
    )


def _version(database: Database, organization: str, name: str = "Look") -> str:
    return database.read_now(lambda tx: library.get(tx, organization, name)).version


def test_a_draft_is_published_as_the_next_version_and_closed(embedded: Database) -> None:
    organization = an_organization(embedded)
    _save(embedded, organization, TEXT)
    done = embedded.run_now(
        lambda tx: PUBLISHING.publish_draft(tx, organization, "Look", "ada", expected=1, note="First.")
    )
    assert done.published is not None
    assert done.published.playbook.version == "1.0"
    assert embedded.read_now(lambda tx: drafts.opened(tx, organization)) == []
    (kept,) = embedded.read_now(lambda tx: library.versions(tx, organization, "Look"))
    assert kept.note == "First."


def test_a_draft_that_another_version_has_overtaken_is_refused_until_its_author_insists(embedded: Database) -> None:
    organization = an_organization(embedded)
    _publish(embedded, organization, TEXT)
    _save(embedded, organization, OTHER)
    _publish(embedded, organization, TEXT + "# meanwhile\n")
    draft = embedded.read_now(lambda tx: drafts.current(tx, organization, "Look"))
    preview = embedded.read_now(lambda tx: PUBLISHING.preview(tx, organization, draft, "ada", major=True))
    assert (preview.version, preview.publishable, preview.second_person) == ("2.0", False, False)
    assert [each.sentence for each in preview.changes] == ["Step one: with.values.a was 1, is 2."]
    with pytest.raises(Conflict, match=r"Version 1\.1 of 'Look' was published since this draft began, from 1\.0"):
        embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Look", "ada"))
    with pytest.raises(Conflict, match="at revision 1, saved by adele; you have seen 7"):
        embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Look", "ada", expected=7))
    embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Look", "ada", over=True))
    assert _version(embedded, organization) == "1.2"


def test_rolling_back_makes_a_new_version_that_says_what_it_restores(embedded: Database) -> None:
    organization = an_organization(embedded)
    _publish(embedded, organization, TEXT)
    _publish(embedded, organization, OTHER)
    done = embedded.run_now(lambda tx: PUBLISHING.roll_back(tx, organization, "Look", "1.0", "ada"))
    assert done.published is not None
    assert done.published.playbook.version == "1.2"
    newest = embedded.read_now(lambda tx: library.versions(tx, organization, "Look"))[0]
    assert newest.restores == "1.0"
    assert embedded.read_now(lambda tx: library.source_of(tx, organization, newest.id)) == TEXT
    with pytest.raises(Conflict, match=r"1\.2, says the same as 1\.0"):
        embedded.run_now(lambda tx: PUBLISHING.roll_back(tx, organization, "Look", "1.0", "ada"))


def test_who_may_not_contain_can_neither_publish_nor_activate_nor_bring_back_what_does(embedded: Database) -> None:
    organization = _people(embedded, Rules(contain=("adele",)))
    with pytest.raises(Invalid) as caught:
        _publish(embedded, organization, CUTS, "megan")
    (refusal,) = (each for each in caught.value.problems if "not-allowed" in each)
    assert "megan may not publish containment.contain" in refusal
    assert "publish it: adele." in refusal
    _save(embedded, organization, CUTS, "megan")
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Cut", "megan"))
    _publish(embedded, organization, CUTS, "adele")
    _publish(embedded, organization, CUTS.replace("Example", "Cut").replace("1 h", "2 h"), "adele")
    embedded.run_now(lambda tx: library.pause(tx, organization, "Cut"))
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: PUBLISHING.activate(tx, organization, "Cut", "megan"))
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: PUBLISHING.roll_back(tx, organization, "Cut", "1.0", "megan"))
    active, problems = embedded.run_now(lambda tx: PUBLISHING.activate(tx, organization, "Cut", "adele"))
    assert (active.state, [each.code for each in problems]) == (PlaybookState.ACTIVE, ["no-account"])


def test_what_somebody_may_publish_stands_on_their_role(embedded: Database) -> None:
    organization = _people(embedded, Rules())
    for name, role in (("ines", Role.ANALYST), ("olaf", Role.READ_ONLY)):
        embedded.run_now(partial(members.ensure, organization_id=organization, name=name, role=role))
    with pytest.raises(Invalid) as caught:
        _publish(embedded, organization, CUTS, "ines")
    assert any("publish it: adele, megan, nestor" in each for each in caught.value.problems)
    assert _publish(embedded, organization, TEXT, "ines").question is None
    with pytest.raises(Invalid) as caught:
        _publish(embedded, organization, OTHER, "olaf")
    assert any("olaf may not publish playbooks" in each for each in caught.value.problems)


def test_a_yes_to_contain_is_said_by_who_may_contain(embedded: Database) -> None:
    organization = _people(embedded, Rules(second_person=True))
    embedded.run_now(partial(members.ensure, organization_id=organization, name="ines", role=Role.ANALYST))
    asked = _publish(embedded, organization, TEXT).question
    with pytest.raises(MissingPermission, match="approval:answer"):
        _answer(embedded, asked, "ines")


def test_a_second_person_makes_the_version_and_is_kept_with_it(embedded: Database) -> None:
    organization = _people(embedded, Rules(second_person=True))
    asked = _publish(embedded, organization, TEXT, major=True).question
    assert asked is not None
    assert asked.question.text == "Publish Look 1.0?"
    assert "Step one is new: logic.set." in asked.question.reasons
    assert embedded.read_now(lambda tx: library.every(tx, organization)) == []
    with pytest.raises(Forbidden, match="asked for themselves"):
        _answer(embedded, asked, "adele")
    assert _answer(embedded, asked, "megan").state is State.APPROVED
    (kept,) = embedded.read_now(lambda tx: library.versions(tx, organization, "Look"))
    assert (kept.number, kept.published_by, kept.approved_by) == ("1.0", "adele", "megan")
    assert embedded.read_now(lambda tx: drafts.opened(tx, organization)) == []
    assert _publish(embedded, organization, TEXT).question is None


def test_a_no_or_a_changed_draft_publishes_nothing(embedded: Database) -> None:
    organization = _people(embedded, Rules(second_person=True, approvers=("megan",)))
    refused = _publish(embedded, organization, TEXT).question
    assert _answer(embedded, refused, "megan", yes=False).state is State.REJECTED
    again = embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Look", "adele")).question
    assert again is not None
    _save(embedded, organization, OTHER)
    assert embedded.read_now(lambda tx: approvals.get(tx, again.id)).state is State.VOID
    with pytest.raises(Conflict, match="adele is editing a draft"):
        _publish(embedded, organization, TEXT)
    assert embedded.read_now(lambda tx: library.every(tx, organization)) == []
    with pytest.raises(Invalid, match="nobody but you"):
        embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Look", "megan"))


def test_a_second_person_lends_no_right_that_they_do_not_have(embedded: Database) -> None:
    organization = _people(embedded, Rules(second_person=True, contain=("adele", "nestor")))
    asked = _publish(embedded, organization, CUTS).question
    with pytest.raises(Forbidden, match=r"megan may not publish what this playbook does \(contain\)"):
        _answer(embedded, asked, "megan")
    _answer(embedded, asked, "nestor")
    assert _version(embedded, organization, "Cut") == "1.0"


def test_a_yes_for_what_has_been_overtaken_is_refused(embedded: Database) -> None:
    organization = _people(embedded, Rules(second_person=True))
    asked = _publish(embedded, organization, TEXT).question
    catalogue = discover()
    embedded.run_now(lambda tx: library.publish(tx, organization, OTHER, "adele", catalogue=catalogue))
    with pytest.raises(Conflict, match="has changed since this was asked"):
        _answer(embedded, asked, "megan")
    assert _version(embedded, organization) == "1.0"
