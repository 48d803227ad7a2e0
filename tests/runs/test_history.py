from datetime import timedelta

import pytest
import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.errors import Invalid, NotFound
from ringfence.runs import history
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alerts, run_alerts, run_logs, wakes


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def test_runs_are_listed_newest_first_with_what_they_are_about(database: Database, contoso: Contoso) -> None:
    rows = database.read_now(lambda tx: history.listing(tx, contoso.organization_id)).rows
    assert [row.status for row in rows] == ["waiting", "failed", "succeeded"]
    assert rows[0].playbook_name == "Contain ransomware"
    assert rows[0].version == "1.3"
    assert rows[0].machine_name == "fin-ws-014.contoso.com"
    assert rows[0].live
    assert rows[2].took == timedelta(seconds=5412.0 - 0.009)


def test_filters_narrow_the_list(database: Database, contoso: Contoso) -> None:
    def found(**wanted: object) -> list[str]:
        return [
            row.status
            for row in database.read_now(
                lambda tx: history.listing(tx, contoso.organization_id, **wanted)  # type: ignore[arg-type]
            ).rows
        ]

    assert found(status=("failed", "succeeded")) == ["failed", "succeeded"]
    assert found(alert_id=contoso.alert_id) == ["waiting"]
    assert found(playbook_id="another") == []
    assert found(text="dc-01") == ["failed"]
    assert found(text="%") == []


def test_a_run_is_found_by_every_alert_that_joined_it_and_names_them(database: Database, contoso: Contoso) -> None:
    other = database.read_now(lambda tx: tx.scalar(sa.select(alerts.c.id).where(alerts.c.id != contoso.alert_id)))
    row = {"run_id": contoso.live_run_id, "alert_id": other, "alert_version": 1, "joined_at": NOW}
    database.run_now(lambda tx: tx.execute(sa.insert(run_alerts).values(row)))
    run = database.read_now(lambda tx: history.get(tx, contoso.organization_id, contoso.live_run_id))
    assert [each.alert_id for each in run.alerts] == [contoso.alert_id, other]
    assert run.alert_count == 2
    assert run.alerts[0].title == "Ransomware behavior detected in the file system"
    found = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, alert_id=other)).rows
    assert contoso.live_run_id in [each.id for each in found]


def test_pages_follow_each_other(database: Database, contoso: Contoso) -> None:
    first = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, limit=2))
    second = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, limit=2, cursor=first.next))
    assert [row.status for row in (*first.rows, *second.rows)] == ["waiting", "failed", "succeeded"]
    assert second.next is None
    with pytest.raises(Invalid, match="cursor"):
        database.read_now(lambda tx: history.listing(tx, contoso.organization_id, cursor="made up"))


def test_one_run_comes_with_steps_in_order_and_its_log(database: Database, contoso: Contoso) -> None:
    def wait(tx: Transaction) -> None:
        row = {"topic": "containment:x", "run_id": contoso.live_run_id, "step": "wait", "after_change": 0}
        tx.execute(sa.insert(wakes).values(row))

    database.run_now(wait)
    run = database.read_now(lambda tx: history.get(tx, contoso.organization_id, contoso.live_run_id))
    assert [step.step for step in run.steps] == [
        "facts", "machine", "known", "comment_unknown", "isolate", "comment_contained", "wait", "release",
    ]  # fmt: skip
    assert run.steps[1].output["onboarded"] is True
    assert run.steps[4].took == timedelta(seconds=38.77)
    assert run.steps[3].took is None
    assert run.steps[6].waits_for == ("containment:x",)
    assert run.lines[0].message == "jmespath.query started"
    assert not run.older_lines
    assert run.trigger["type"] == "defender.alert"


def test_of_a_long_log_the_newest_lines_are_given_and_it_is_said(database: Database, contoso: Contoso) -> None:
    def write(tx: Transaction) -> None:
        row = {"run_id": contoso.live_run_id, "at": NOW, "level": "info", "fields": {}}
        tx.execute(sa.insert(run_logs), [row | {"message": f"line {number}"} for number in range(600)])

    database.run_now(write)
    run = database.read_now(lambda tx: history.get(tx, contoso.organization_id, contoso.live_run_id))
    assert len(run.lines) == history.LOG_LINES
    assert run.lines[-1].message == "line 599"
    assert run.older_lines


def test_counts_are_of_what_is_under_way_and_of_the_last_day(database: Database, contoso: Contoso) -> None:
    counts = database.read_now(lambda tx: history.counts(tx, contoso.organization_id))
    assert counts == history.Counts(live=1, succeeded=0, failed=1)


def test_another_organization_sees_nothing(database: Database, contoso: Contoso) -> None:
    other = database.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: history.get(tx, other.organization_id, contoso.run_id))
    with pytest.raises(Invalid):
        database.read_now(lambda tx: history.listing(tx, other.organization_id, cursor=contoso.run_id))
