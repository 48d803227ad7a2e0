from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from alert_desk import AlertDesk
from alert_samples import an_alert
from ringfence.alerts import ledger
from ringfence.storage import Database
from ringfence.storage.tables import alert_verdicts, trigger_sets


@pytest.fixture
def desk(database: Database) -> AlertDesk:
    return AlertDesk(database)


def sets(desk: AlertDesk) -> int:
    return len(desk.database.read_now(lambda tx: tx.all(sa.select(trigger_sets))))


def test_a_letter_is_kept_for_each_member_and_the_set_once(desk: AlertDesk) -> None:
    desk.publish("One", "{type: defender.alert}")
    desk.publish("Two", "{type: defender.alert, severity: [Low]}")
    desk.take(an_alert("a"), an_alert("b"))
    desk.change("a", severity="Low")
    rows = desk.database.read_now(lambda tx: tx.all(sa.select(alert_verdicts)))
    assert sorted(row["letters"] for row in rows) == ["+v", "+v", "cc"]
    assert sets(desk) == 1
    kept = desk.database.read_now(lambda tx: ledger.read(tx, desk.alert("a").id))
    assert sorted(kept) == [1, 2]
    assert [len(each.members) for each in kept.values()] == [2, 2]


def test_the_names_of_versions_are_those_of_the_organization(desk: AlertDesk) -> None:
    desk.publish("One", "{type: defender.alert}")
    desk.take(an_alert("a"))
    kept = desk.database.read_now(lambda tx: ledger.read(tx, desk.alert("a").id))
    (member,) = kept[1].members
    ids = [member.version_id, "none"]
    found = desk.database.read_now(lambda tx: ledger.names(tx, desk.organization, ids))
    assert found == {member.version_id: ledger.Named("One", "1.0")}
    assert desk.database.read_now(lambda tx: ledger.names(tx, "another", ids)) == {}


def test_runs_are_found_by_the_versions_that_started_or_joined_them(desk: AlertDesk) -> None:
    desk.publish("Folds", "{type: defender.alert, run_per: machine}")
    desk.take(an_alert("a"))
    desk.wait(seconds=1)
    desk.take(an_alert("b"))
    run_id = desk.runs()[0]["id"]
    for name, first in (("a", True), ("b", False)):
        (found,) = desk.database.read_now(partial(ledger.carried, alert_id=desk.alert(name).id))
        assert (found.run_id, found.version, found.first, found.status) == (run_id, 1, first, "requested")


def test_old_verdicts_are_deleted_with_the_sets_that_nobody_needs(desk: AlertDesk) -> None:
    desk.publish("One", "{type: defender.alert}")
    desk.take(an_alert("a"))
    desk.wait(days=2)
    desk.publish("Two", "{type: defender.alert}")
    desk.take(an_alert("b"))
    assert sets(desk) == 2
    assert desk.database.run_now(lambda tx: ledger.forget(tx, older_than=timedelta(days=3))) == 0
    assert desk.database.run_now(lambda tx: ledger.forget(tx, older_than=timedelta(days=1))) == 1
    assert sets(desk) == 1
    assert list(desk.database.read_now(lambda tx: ledger.read(tx, desk.alert("b").id))) == [1]
