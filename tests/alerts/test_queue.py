from datetime import timedelta
from typing import Any

import pytest

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert
from plans import plans
from ringfence import clock
from ringfence.accounts.model import Account
from ringfence.alerts import queue
from ringfence.alerts.queue import Filters
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.ingestion.pages import prepare, store
from ringfence.storage import Database
from ringfence.triggers.registry import Registry


def put(database: Database, account: Account, *documents: object, minute: int = 0) -> None:
    clock.replace((NOON + timedelta(minutes=minute)).timestamp)
    page = prepare(documents)
    database.run_now(lambda tx: store(tx, account.id, page, Registry()))


def names(database: Database, organization: str, **filters: Any) -> list[str]:
    found = database.read_now(lambda tx: queue.page(tx, organization, Filters(**filters))).alerts
    return sorted(alert.alert_id.removeprefix("da").removesuffix("_1") for alert in found)


@pytest.fixture
def account(database: Database) -> Account:
    return a_stored_account(database, an_organization(database))


def test_pages_are_newest_first_and_do_not_shift_when_alerts_arrive(database: Database, account: Account) -> None:
    organization = account.organization_id
    for minute in range(3):
        put(database, account, *(an_alert(f"{minute}{letter}") for letter in "abc"), minute=minute)
    first = database.read_now(lambda tx: queue.page(tx, organization, limit=4))
    put(database, account, an_alert("new"), minute=9)
    rest, cursor = [], first.cursor
    while cursor is not None:
        page = database.read_now(lambda tx, cursor=cursor: queue.page(tx, organization, limit=4, cursor=cursor))  # type: ignore[misc]
        rest += page.alerts
        cursor = page.cursor
    found = [alert.alert_id for alert in (*first.alerts, *rest)]
    assert found == [f"da{minute}{letter}_1" for minute in (2, 1, 0) for letter in "cba"]


@pytest.mark.parametrize("cursor", ["", "x", "bm8=", "WzEsMl0=", "WyIyMDI2LTAxLTAxIiwgIngiXQ==", "é", "\x00"])
def test_a_cursor_that_is_none_of_ours_is_refused(embedded: Database, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        embedded.read_now(lambda tx: queue.page(tx, "organization", cursor=cursor))


def test_filters_narrow_the_queue_together(database: Database, account: Account) -> None:
    put(
        database,
        account,
        an_alert("a", title="Ransomware 100% sure", computerDnsName="Host-1.contoso.com"),
        an_alert("b", severity="Low", status="Resolved", category="Malware", computerDnsName="host-10.contoso.com"),
        an_alert("c", severity="Low", machineId="1" * 40, computerDnsName=None),
    )
    organization = account.organization_id
    assert names(database, organization) == ["a", "b", "c"]
    assert names(database, organization, severity=["Low"]) == ["b", "c"]
    assert names(database, organization, severity=["Low", "High"], status=["New"]) == ["a", "c"]
    assert names(database, organization, category=["Malware"]) == ["b"]
    assert names(database, organization, text=" RANSOMWARE ") == ["a"]
    assert names(database, organization, text="0%") == ["a"]
    assert names(database, organization, text="host_1") == []
    assert names(database, organization, text="dac_1") == ["c"]
    assert names(database, organization, machine="host-1.CONTOSO.com") == ["a"]
    assert names(database, organization, machine="1" * 40) == ["c"]
    assert names(database, organization, text="\x00'; DROP TABLE alerts; --") == []


def test_counts_are_by_severity_of_those_with_a_status(database: Database, account: Account) -> None:
    put(database, account, an_alert("a"), an_alert("b", status="Resolved"), an_alert("c", severity="Low"))
    organization = account.organization_id
    assert database.read_now(lambda tx: queue.counts(tx, organization, ["New", "Resolved"])) == {"High": 2, "Low": 1}
    assert database.read_now(lambda tx: queue.counts(tx, organization, ["Resolved"])) == {"High": 1}


def test_hosts_are_named_as_the_newest_alerts_of_an_account_name_them(database: Database, account: Account) -> None:
    put(database, account, an_alert("a", machineId="1" * 40, computerDnsName="old"), an_alert("b", machineId=None))
    put(database, account, an_alert("c", machineId="1" * 40, computerDnsName="new"), minute=2)
    assert database.read_now(lambda tx: queue.hosts(tx, account.id)) == {"1" * 40: "new"}
    assert database.read_now(lambda tx: queue.hosts(tx, "another")) == {}


def test_hosts_are_looked_for_in_the_newest_alerts_and_not_in_all(embedded: Database) -> None:
    (steps,) = plans(embedded, lambda tx: queue.hosts(tx, "an-account")).values()
    # What is sorted then is what was found there.
    (sought,) = [step for step in steps if "alerts USING" in step]
    assert "ix_alerts_organization_ingested (organization_id=?)" in sought


def test_an_alert_is_found_by_either_id_and_only_in_its_organization(database: Database, account: Account) -> None:
    put(database, account, an_alert("a"))
    organization, other = account.organization_id, an_organization(database, "Fabrikam")
    alert = database.read_now(lambda tx: queue.get(tx, organization, "daa_1"))
    assert alert.account == "contoso"
    assert database.read_now(lambda tx: queue.get(tx, organization, alert.id)) == alert
    for wanted in (alert.id, "daa_1"):
        with pytest.raises(NotFound, match="There is no alert"):
            database.read_now(lambda tx, wanted=wanted: queue.get(tx, other, wanted))  # type: ignore[misc]
    with pytest.raises(NotFound):
        database.read_now(lambda tx: queue.raw(tx, other, alert))
    assert database.read_now(lambda tx: queue.page(tx, other)).alerts == []
    assert database.read_now(lambda tx: queue.counts(tx, other, ["New"])) == {}
    assert database.read_now(lambda tx: queue.versions(tx, other, alert)) == []
    with pytest.raises(NotFound):
        database.read_now(lambda tx: queue.get(tx, organization, "\x00\ud800"))


def test_an_id_that_two_accounts_share_is_answered_with_both(database: Database, account: Account) -> None:
    put(database, account, an_alert("a"))
    put(database, a_stored_account(database, account.organization_id, name="contoso-eu"), an_alert("a"))
    with pytest.raises(Conflict, match="contoso, contoso-eu"):
        database.read_now(lambda tx: queue.get(tx, account.organization_id, "daa_1"))


def test_every_version_can_be_looked_at(database: Database, account: Account) -> None:
    organization = account.organization_id
    put(database, account, an_alert("a"))
    put(database, account, an_alert("a", NOON + timedelta(minutes=1), status="Resolved"), minute=2)
    alert = database.read_now(lambda tx: queue.get(tx, organization, "daa_1"))
    versions = database.read_now(lambda tx: queue.versions(tx, organization, alert))
    assert [(each.version, each.raw["status"]) for each in versions] == [(1, "New"), (2, "Resolved")]
    assert versions[1].seen_at == NOON + timedelta(minutes=2)
    assert database.read_now(lambda tx: queue.raw(tx, organization, alert))["status"] == "Resolved"
    assert database.read_now(lambda tx: queue.raw(tx, organization, alert, 1))["status"] == "New"
    with pytest.raises(NotFound, match="no version 3"):
        database.read_now(lambda tx: queue.raw(tx, organization, alert, 3))


def test_what_was_rejected_is_listed_newest_first(database: Database, account: Account) -> None:
    put(database, account, {"id": 1})
    put(database, account, {"id": None}, minute=1)
    found = database.read_now(lambda tx: queue.rejected(tx, account.organization_id))
    assert [each.raw for each in found] == ['{"id":null}', '{"id":1}']
    assert database.read_now(lambda tx: queue.rejected(tx, account.organization_id, limit=0)) == found[:1]
