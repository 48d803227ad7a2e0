from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.errors import Invalid, NotFound
from ringfence.runs import detail, history
from ringfence.runs.history import Filters
from ringfence.security.crypto import Vault
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alerts, run_alerts, runs

VAULT = Vault(bytes(32))


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def test_runs_are_listed_newest_first_with_what_they_are_about(database: Database, contoso: Contoso) -> None:
    rows = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, VAULT)).rows
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
                lambda tx: history.listing(tx, contoso.organization_id, VAULT, Filters(**wanted))  # type: ignore[arg-type]
            ).rows
        ]

    assert found(status=("failed", "succeeded")) == ["failed", "succeeded"]
    assert found(alert_id=contoso.alert_id) == ["waiting"]
    assert found(playbook="another") == []
    assert found(text="dc-01") == ["failed"]
    assert found(text="%") == []
    assert found(machine="FIN-WS") == ["waiting"]
    assert found(playbook="Contain ransomware", version="1.3") == ["waiting", "failed", "succeeded"]
    assert found(version="2.0") == []
    assert found(since=NOW - timedelta(hours=3)) + found(until=NOW - timedelta(hours=3)) == found()


def test_runs_are_found_by_what_started_them_and_by_the_machine_they_are_about(
    database: Database, contoso: Contoso
) -> None:
    def change(tx: Transaction) -> None:
        values = {"trigger_kind": "manual", "machine_id": "a" * 40, "run_as": "megan.bowen", "alert_id": None}
        tx.execute(sa.update(runs).where(runs.c.id == contoso.run_id).values(values))

    database.run_now(change)
    for wanted in (Filters(triggers=("manual",)), Filters(machine="A" * 40)):
        rows = database.read_now(
            partial(history.listing, organization_id=contoso.organization_id, vault=VAULT, filters=wanted)
        ).rows
        assert [(row.id, row.run_as, row.machine_id) for row in rows] == [(contoso.run_id, "megan.bowen", "a" * 40)]


@pytest.mark.parametrize("filters", [Filters(status=("done",)), Filters(version="1"), Filters(version="1." + "9" * 30)])
def test_what_cannot_be_looked_for_is_refused(embedded: Database, filters: Filters) -> None:
    with pytest.raises(Invalid):
        embedded.read_now(lambda tx: history.listing(tx, "o", VAULT, filters))


def test_a_run_is_found_by_every_alert_that_joined_it_and_names_them(database: Database, contoso: Contoso) -> None:
    other = database.read_now(lambda tx: tx.scalar(sa.select(alerts.c.id).where(alerts.c.id != contoso.alert_id)))
    row = {"run_id": contoso.live_run_id, "alert_id": other, "alert_version": 1, "joined_at": NOW}
    database.run_now(lambda tx: tx.execute(sa.insert(run_alerts).values(row)))
    run = database.read_now(lambda tx: detail.get(tx, contoso.organization_id, contoso.live_run_id, VAULT))
    assert [each.alert_id for each in run.alerts] == [contoso.alert_id, other]
    assert run.alert_count == 2
    assert run.alerts[0].title == "Ransomware behavior detected in the file system"
    found = database.read_now(
        lambda tx: history.listing(tx, contoso.organization_id, VAULT, Filters(alert_id=other))
    ).rows
    assert contoso.live_run_id in [each.id for each in found]


def test_pages_follow_each_other(database: Database, contoso: Contoso) -> None:
    first = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, VAULT, limit=2))
    second = database.read_now(
        lambda tx: history.listing(tx, contoso.organization_id, VAULT, limit=2, cursor=first.next)
    )
    assert [row.status for row in (*first.rows, *second.rows)] == ["waiting", "failed", "succeeded"]
    assert second.next is None
    with pytest.raises(Invalid, match="cursor"):
        database.read_now(lambda tx: history.listing(tx, contoso.organization_id, VAULT, cursor="made up"))


def test_counts_are_of_what_is_under_way_and_of_the_last_day(database: Database, contoso: Contoso) -> None:
    counts = database.read_now(lambda tx: history.counts(tx, contoso.organization_id))
    assert counts == history.Counts(live=1, succeeded=0, failed=1)


def test_another_organization_sees_nothing(database: Database, contoso: Contoso) -> None:
    other = database.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: detail.get(tx, other.organization_id, contoso.run_id, VAULT))
    with pytest.raises(Invalid):
        database.read_now(lambda tx: history.listing(tx, other.organization_id, VAULT, cursor=contoso.run_id))
