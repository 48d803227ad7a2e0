"""The question "why did this not start a playbook?", answered."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from alert_desk import AlertDesk
from alert_samples import NOON, an_alert
from ringfence.alerts import ledger
from ringfence.alerts.versions import MARKER
from ringfence.playbooks import library
from ringfence.storage import Database
from ringfence.storage.tables import accounts, alert_verdicts, alert_versions, playbook_versions, trigger_services
from ringfence.triggers.registry import Registry
from ringfence.triggers.why import PlaybookWhy


@pytest.fixture
def desk(database: Database) -> AlertDesk:
    return AlertDesk(database)


def of(desk: AlertDesk, name: str, playbook: str, version: int = 1) -> PlaybookWhy:
    (found,) = [each for each in desk.why(name).versions if each.version == version]
    return next(each for each in found.playbooks if each.playbook == playbook)


def test_a_playbook_that_started_names_its_run(desk: AlertDesk) -> None:
    desk.publish("Look", "{type: defender.alert, severity: [High]}")
    desk.take(an_alert("a"))
    found = of(desk, "a", "Look")
    assert (found.verdict, found.reason, found.number) == ("started", "Every condition holds.", "1.0")
    assert (found.run_id, found.run_status) == (desk.runs()[0]["id"], "requested")
    assert all(each.matched for each in found.conditions)


def test_a_playbook_that_did_not_start_names_the_condition_and_shows_all_of_them(desk: AlertDesk) -> None:
    desk.publish("Look", "{type: defender.alert, severity: [Low], category: [Malware]}")
    desk.take(an_alert("a"))
    found = of(desk, "a", "Look")
    assert (found.verdict, found.reason) == ("not_matched", "The severity is High, not Low.")
    assert [each.field for each in found.conditions if not each.matched] == ["severity", "category"]
    assert found.run_id is None


def test_a_service_that_was_off_is_said_to_pass_nothing_on(desk: AlertDesk) -> None:
    desk.publish("Account", "{type: defender.alert, account: contoso}")
    desk.publish("Any", "{type: defender.alert}")
    off = sa.update(trigger_services).where(trigger_services.c.account_id == desk.account.id).values(enabled=False)
    desk.database.run_now(lambda tx: tx.execute(off))
    assert desk.take(an_alert("a")).runs == ()
    desk.database.run_now(lambda tx: tx.execute(off.values(enabled=True)))
    for name in ("Account", "Any"):
        found = of(desk, "a", name)
        assert (found.verdict, found.reason) == (
            "not_matched",
            "No service of contoso that is on passes such a change on.",
        )


def test_a_playbook_that_joined_says_what_it_joined(desk: AlertDesk) -> None:
    desk.publish("Folds", "{type: defender.alert, run_per: machine, window: 20 min}")
    desk.take(an_alert("a"), an_alert("b"))
    assert of(desk, "a", "Folds").reason == "Every condition holds; it is the first of its machine within the window."
    found = of(desk, "b", "Folds")
    assert (found.verdict, found.run_id) == ("joined", desk.runs()[0]["id"])
    assert "the same machine was under way (within 20 min)" in found.reason


def test_a_playbook_that_was_published_later_is_said_not_to_have_been_there(desk: AlertDesk) -> None:
    desk.publish("Early", "{type: defender.alert}")
    desk.take(an_alert("a"))
    desk.publish("Later", "{type: defender.alert}")
    assert desk.verdicts("a") == {1: {"Early": "started", "Later": "not_there"}}
    assert "published, or changed, later" in of(desk, "a", "Later").reason


def test_the_trigger_is_the_one_that_was_published_then(desk: AlertDesk) -> None:
    desk.publish("Look", "{type: defender.alert, severity: [Low]}")
    desk.take(an_alert("a"))
    desk.publish("Look", "{type: defender.alert, severity: [High]}")
    found = of(desk, "a", "Look")
    assert (found.verdict, found.reason, found.number) == ("not_matched", "The severity is High, not Low.", "1.0")


def test_the_recorded_verdict_stands_even_where_it_would_be_another_today(desk: AlertDesk) -> None:
    desk.publish("Look", "{type: defender.alert}")
    desk.take(an_alert("a"))
    desk.database.run_now(lambda tx: tx.execute(sa.update(alert_verdicts).values(letters="v")))
    found = of(desk, "a", "Look")
    assert (found.verdict, found.reason) == ("not_matched", "The condition `severity` did not hold.")


def test_a_trigger_that_this_release_cannot_read_still_has_its_verdict(desk: AlertDesk) -> None:
    desk.publish("Look", "{type: defender.alert, severity: [Low]}")
    desk.take(an_alert("a"))
    desk.database.run_now(lambda tx: tx.execute(sa.update(playbook_versions).values(source="ringfence: 99")))
    desk.registry = Registry()
    found = of(desk, "a", "Look")
    assert (found.verdict, found.reason, found.conditions) == (
        "not_matched",
        "The condition `severity` did not hold.",
        (),
    )


@pytest.mark.parametrize("active", [True, False])
def test_our_own_change_and_a_late_version_are_explained_once_for_all(desk: AlertDesk, active: bool) -> None:
    desk.publish("Look", "{type: defender.alert, changes: [created, updated]}")
    desk.take(an_alert("a"))
    if not active:
        desk.database.run_now(lambda tx: library.pause(tx, desk.organization, "Look"))
    desk.change("a", comments=[{"comment": f"Contained. {MARKER}1]"}])
    desk.take(an_alert("a", NOON - timedelta(minutes=1), severity="Low"))
    late, own, first = desk.why("a").versions
    assert late.note.startswith("It came after a newer version was known")
    assert own.note == "It only shows back what Ringfence itself wrote (comments), and starts nothing."
    assert first.note == ""
    verdicts = [each.playbooks[0].verdict for each in (late, own, first)]
    assert verdicts == (["late", "own_change", "started"] if active else ["paused", "paused", "started"])


def test_it_says_when_nothing_listened(desk: AlertDesk) -> None:
    desk.take(an_alert("a"))
    desk.publish("Look", "{type: defender.alert}")
    desk.database.run_now(lambda tx: library.pause(tx, desk.organization, "Look"))
    desk.take(an_alert("b"))
    assert desk.why("a").versions[0].note == "No playbook that waits for alerts was published."
    assert desk.why("b").versions[0].note == "Every playbook that waits for alerts was paused."
    assert desk.why("b").notes == ("No playbook that waits for alerts is active now.",)


@pytest.mark.parametrize(("state", "said"), [("disabled", "is switched off"), ("failed", "cannot be used")])
def test_it_says_what_keeps_later_versions_from_coming(desk: AlertDesk, state: str, said: str) -> None:
    desk.publish("Look", "{type: defender.alert}")
    desk.take(an_alert("a"))
    desk.database.run_now(lambda tx: tx.execute(sa.update(accounts).values(state=state, state_reason="Refused.")))
    (note,) = desk.why("a").notes
    assert said in note


def test_verdicts_that_are_no_longer_or_never_were_kept_are_said_to_be_so(desk: AlertDesk) -> None:
    desk.publish("Look", "{type: defender.alert}")
    desk.take(an_alert("a"))
    desk.wait(days=40)
    desk.database.run_now(lambda tx: ledger.forget(tx, older_than=timedelta(days=30)))
    (version,) = desk.why("a").versions
    assert (version.playbooks, version.decided_at) == ((), None)
    assert "no longer kept" in version.note
    desk.database.run_now(lambda tx: tx.execute(sa.update(alert_versions).values(transitions=None)))
    assert desk.why("a").versions[0].note == "It was stored before verdicts were kept."
