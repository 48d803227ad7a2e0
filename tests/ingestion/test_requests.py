"""Which runs are asked for, which are joined, and what is kept of it."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from alert_desk import AlertDesk
from alert_samples import NOON, an_alert
from ringfence.alerts import writes
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import MARKER
from ringfence.playbooks import library
from ringfence.runs import rows
from ringfence.storage import Database
from ringfence.storage.tables import runs

PER_MACHINE = "{type: defender.alert, run_per: machine, window: 10 min}"
ANY = "{type: defender.alert, changes: [created, updated]}"


@pytest.fixture
def desk(database: Database) -> AlertDesk:
    return AlertDesk(database)


TRANSITIONS: list[tuple[Change, dict[str, Any], dict[str, Any]]] = [
    (Change.UPDATED, {}, {"title": "Another title"}),
    (Change.SEVERITY_RAISED, {"severity": "Low"}, {"severity": "High"}),
    (Change.SEVERITY_LOWERED, {"severity": "High"}, {"severity": "Low"}),
    (Change.REOPENED, {"status": "Resolved"}, {"status": "InProgress"}),
    (Change.RESOLVED, {"status": "New"}, {"status": "Resolved"}),
    (Change.REASSIGNED, {}, {"assignedTo": "ada@contoso.com"}),
    (Change.CLASSIFIED, {}, {"classification": "TruePositive"}),
    (Change.REMEDIATED, {}, {"investigationState": "SuccessfullyRemediated"}),
    (Change.MACHINE_ADDED, {"machineId": None}, {"machineId": "b" * 40}),
]


@pytest.mark.parametrize(("change", "before", "after"), TRANSITIONS)
def test_each_transition_starts_one_run_that_names_it(
    desk: AlertDesk, change: Change, before: dict[str, Any], after: dict[str, Any]
) -> None:
    desk.publish("Listens", f"{{type: defender.alert, changes: [{change.value}]}}")
    others = [each.value for each in Change if each not in (change, Change.UPDATED, Change.CREATED)]
    desk.publish("Listens to others", f"{{type: defender.alert, changes: [{', '.join(others)}]}}")
    desk.take(an_alert("a", **before))
    done = desk.change("a", **before | after)
    assert len(done.runs) == 1
    (run,) = desk.runs()
    assert (run["trigger"]["change"], run["alert_version"]) == (change.value, 2)
    assert set(run["trigger"]["changes"]) == {change.value, "updated"}
    again = desk.take(an_alert("a", desk.now, **before | after))
    assert (again.versions, again.runs) == (0, ())
    assert desk.verdicts("a")[2] == {"Listens": "started", "Listens to others": "not_matched"}


def test_several_transitions_of_one_version_start_one_run(desk: AlertDesk) -> None:
    desk.publish("Both", "{type: defender.alert, changes: [severity_raised, reassigned]}")
    desk.take(an_alert("a", severity="Low"))
    desk.change("a", severity="High", assignedTo="ada@contoso.com")
    (run,) = desk.runs()
    assert (run["trigger"]["change"], run["trigger"]["changes"]) == (
        "severity_raised",
        ["severity_raised", "reassigned", "updated"],
    )


def test_a_step_back_in_time_is_no_transition(desk: AlertDesk) -> None:
    desk.publish("Watches", "{type: defender.alert, changes: [severity_lowered, reopened, updated]}")
    desk.take(an_alert("a", desk.now, severity="High", status="Resolved"))
    done = desk.take(an_alert("a", NOON, severity="Low", status="New"))
    assert (done.versions, done.runs) == (1, ())
    _, late = desk.versions("a")
    assert (late.standing, late.transitions, late.compared_with) == ("late", (), 1)
    assert [each.field for each in late.differences.fields] == ["severity", "status", "lastUpdateTime"]
    assert desk.verdicts("a")[2] == {"Watches": "late"}
    assert desk.told("alert") == ["created"]


def test_a_late_version_of_the_same_moment_is_known_by_holding_less(desk: AlertDesk) -> None:
    desk.publish("Watches", ANY)
    desk.take(an_alert("a", evidence=[{"entityType": "File"}]))
    assert desk.take(an_alert("a", evidence=[])).runs == ()
    assert desk.alert("a").version == 1
    assert len(desk.take(an_alert("a", evidence=[{"entityType": "File"}, {"entityType": "Ip"}])).runs) == 1
    assert desk.alert("a").version == 3


def written(desk: AlertDesk, key: str = "run:step:0", name: str = "a", **values: Any) -> None:
    account, alert = desk.account.id, f"da{name}_1"
    desk.database.run_now(lambda tx: writes.record(tx, account, [alert], values, key))


def test_what_we_wrote_and_see_again_starts_nothing_once(desk: AlertDesk) -> None:
    desk.publish("Watches", "{type: defender.alert, changes: [resolved, reopened, updated]}")
    desk.take(an_alert("a"))
    written(desk, status="Resolved")
    assert desk.change("a", status="Resolved").runs == ()
    assert desk.versions("a")[1].standing == "own"
    assert desk.versions("a")[1].ours == ("status",)
    assert len(desk.change("a", status="New").runs) == 1
    assert len(desk.change("a", status="Resolved").runs) == 1


def test_what_others_did_beside_us_starts_what_it_deserves(desk: AlertDesk) -> None:
    desk.publish("Resolved", "{type: defender.alert, changes: [resolved]}")
    desk.publish("Raised", "{type: defender.alert, changes: [severity_raised]}")
    desk.take(an_alert("a", severity="Low"))
    written(desk, status="Resolved")
    ours = {"comment": f"Done. {MARKER}run:step:0]", "createdBy": "app"}
    desk.change("a", status="Resolved", severity="High", comments=[ours])
    second = desk.versions("a")[1]
    assert (second.standing, second.transitions) == ("mixed", ("severity_raised", "updated"))
    assert set(second.ours) == {"status", "comments"}
    assert desk.verdicts("a")[2] == {"Resolved": "not_matched", "Raised": "started"}


def test_a_write_of_another_alert_or_account_is_not_taken_for_this_one_s(desk: AlertDesk) -> None:
    desk.publish("Watches", ANY)
    desk.take(an_alert("a"))
    written(desk, name="b", status="Resolved")
    assert len(desk.change("a", status="Resolved").runs) == 1


def test_alerts_of_one_machine_go_to_one_run(desk: AlertDesk) -> None:
    playbook = desk.publish("Folds", PER_MACHINE)
    first = desk.take(*(an_alert(name) for name in "abc"))
    desk.wait(minutes=1)
    second = desk.take(*(an_alert(name) for name in "de"), an_alert("other", machineId="b" * 40))
    assert (len(first.runs), len(second.runs)) == (1, 1)
    one, other = desk.runs()
    assert (one["trigger"]["run_per"], one["fold_key"]) == (
        "machine",
        f"{playbook}:{desk.account.id}:machine:{'0' * 40}",
    )
    assert one["id"] == first.runs[0]
    assert other["id"] == second.runs[0]
    assert sorted(desk.reasons()) == [(name, 1) for name in ("a", "b", "c", "d", "e", "other")]
    assert desk.verdicts("a") == {1: {"Folds": "started"}}
    assert desk.verdicts("d") == {1: {"Folds": "joined"}}
    assert desk.told("run") == ["requested", "joined", "requested", "joined"]


def test_a_later_version_of_an_alert_joins_too(desk: AlertDesk) -> None:
    desk.publish("Folds", "{type: defender.alert, run_per: machine, changes: [created, updated]}")
    desk.take(an_alert("a"))
    desk.change("a", severity="Low")
    assert desk.reasons() == [("a", 1), ("a", 2)]
    assert len(desk.runs()) == 1


def test_what_comes_after_the_window_or_after_the_run_has_ended_starts_a_new_one(desk: AlertDesk) -> None:
    desk.publish("Folds", PER_MACHINE)
    desk.take(an_alert("a"))
    desk.wait(minutes=9.9)
    assert desk.take(an_alert("b")).runs == ()
    desk.wait(minutes=0.1)
    (second,) = desk.take(an_alert("c")).runs
    desk.end(second)
    (third,) = desk.take(an_alert("d")).runs
    assert [run["fold_key"] is not None for run in desk.runs()] == [False, False, True]
    assert desk.runs()[2]["id"] == third


def test_alerts_of_one_incident_go_to_one_run_whatever_their_machines(desk: AlertDesk) -> None:
    desk.publish("Folds", "{type: defender.alert, run_per: incident}")
    done = desk.take(an_alert("a"), an_alert("b", machineId="b" * 40), an_alert("c", incidentId=8))
    assert len(done.runs) == 2


def test_an_alert_without_a_machine_has_a_run_of_its_own(desk: AlertDesk) -> None:
    desk.publish("Folds", PER_MACHINE)
    done = desk.take(an_alert("a", machineId=None), an_alert("b", machineId=None))
    assert len(done.runs) == 2
    assert [run["fold_key"] for run in desk.runs()] == [None, None]


def test_playbooks_and_accounts_fold_for_themselves(desk: AlertDesk) -> None:
    desk.publish("Folds", PER_MACHINE)
    desk.publish("Folds too", PER_MACHINE)
    assert len(desk.take(an_alert("a"), an_alert("b")).runs) == 2


def test_a_run_that_gathers_is_not_begun_before_its_time(desk: AlertDesk) -> None:
    desk.publish("Gathers", "{type: defender.alert, run_per: machine, gather: 30 s}")
    desk.take(an_alert("a"))
    (run,) = desk.runs()
    assert (run["not_before"] - run["requested_at"]).total_seconds() == 30


def test_two_workers_make_one_run_of_a_storm(database: Database) -> None:
    desk = AlertDesk(database)
    desk.publish("Folds", PER_MACHINE)
    barrier = threading.Barrier(2)
    asked: list[str] = []

    def work(mine: str) -> None:
        barrier.wait()
        for number in range(8):
            asked.extend(desk.take(an_alert(f"{mine}{number}"), an_alert(f"both{number}")).runs)

    workers = [threading.Thread(target=work, args=(name,)) for name in ("x", "y")]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert len(asked) == 1
    assert len(desk.runs()) == 1
    assert len(desk.reasons()) == 24


def test_the_database_holds_one_run_for_each_key(desk: AlertDesk) -> None:
    desk.publish("Folds", PER_MACHINE)
    desk.take(an_alert("a"))
    (run,) = desk.runs()
    with pytest.raises(sa.exc.IntegrityError):
        desk.database.run_now(lambda tx: tx.execute(sa.insert(runs), [run | {"id": "another", "cause_key": "another"}]))


def test_paused_playbooks_are_in_the_ledger(desk: AlertDesk) -> None:
    desk.publish("Active", "{type: defender.alert}")
    desk.publish("Paused", "{type: defender.alert}")
    desk.database.run_now(lambda tx: library.pause(tx, desk.organization, "Paused"))
    assert len(desk.take(an_alert("a")).runs) == 1
    assert desk.verdicts("a") == {1: {"Active": "started", "Paused": "paused"}}


def test_a_run_is_given_all_alerts_that_joined_it_each_once_at_its_last_version(desk: AlertDesk) -> None:
    desk.publish("Folds", "{type: defender.alert, run_per: machine, changes: [created, updated]}")
    desk.take(an_alert("a"))
    desk.change("b")
    desk.change("a", severity="Low")
    (run,) = desk.runs()
    taken = desk.database.run_now(lambda tx: rows.claim(tx, run["id"], owner="worker", lease=30))
    assert taken is not None
    assert [(source, raw["id"], raw["severity"]) for source, raw in taken.alerts] == [
        ("defender", "daa_1", "Low"),
        ("defender", "dab_1", "High"),
    ]
