import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert, publish
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountDisabled
from ringfence.alerts import queue
from ringfence.alerts.model import Alert
from ringfence.alerts.versions import MARKER
from ringfence.errors import NotFound
from ringfence.ingestion.pages import Stored, prepare, store
from ringfence.storage import Database
from ringfence.storage.changes import after
from ringfence.storage.tables import accounts, runs
from ringfence.triggers.registry import Registry

LATER = NOON + timedelta(minutes=5)
EVERYTHING = "{type: defender.alert, changes: [created, updated]}"


class Desk:
    """One account, and pages put into it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.account: Account = a_stored_account(database, self.organization)
        self.registry = Registry()
        clock.replace(lambda: (NOON + timedelta(minutes=10)).timestamp())

    def take(self, *documents: object) -> Stored:
        page = prepare(documents)
        account_id = self.account.id
        return self.database.run_now(lambda tx: store(tx, account_id, page, self.registry))

    def runs(self) -> list[dict[str, Any]]:
        query = sa.select(runs).order_by(runs.c.id)
        return [dict(row) for row in self.database.read_now(lambda tx: tx.all(query))]

    def alert(self, name: str) -> Alert:
        return self.database.read_now(lambda tx: queue.get(tx, self.organization, f"da{name}_1"))

    def raws(self, name: str) -> list[dict[str, Any]]:
        found = self.alert(name)
        return [each.raw for each in self.database.read_now(lambda tx: queue.versions(tx, self.organization, found))]

    def told(self, noun: str) -> list[str]:
        return [change.kind for change in self.database.read_now(lambda tx: after(tx, 0)) if change.noun == noun]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_a_page_becomes_alerts_versions_and_runs_at_once(desk: Desk) -> None:
    playbook = publish(desk.database, desk.organization, "Look", "{type: defender.alert, severity: [High]}")
    done = desk.take(an_alert("a"), an_alert("b", severity="Low"))
    assert (done.new, done.versions, done.rejected, len(done.runs)) == (2, 2, 0, 1)
    alert = desk.alert("a")
    assert (alert.version, alert.title, alert.account, alert.ingested_at) == (1, "Alert a", "contoso", clock.now())
    (run,) = desk.runs()
    assert run["id"] == done.runs[0]
    assert (run["status"], run["segment"], run["fence"], run["nudges"]) == ("requested", 0, 0, 0)
    assert (run["playbook_id"], run["account_id"], run["alert_id"]) == (playbook, desk.account.id, alert.id)
    assert run["cause_key"] == f"alert:{alert.id}:created"
    assert run["trigger"] == {
        "type": "defender.alert",
        "account": "contoso",
        "service": None,
        "change": "created",
        "changes": ["created"],
        "alert_id": alert.id,
        "version": 1,
    }
    assert (desk.told("alert"), desk.told("run")) == (["created", "created"], ["requested"])


def test_the_document_comes_back_as_it_went_in(desk: Desk) -> None:
    document = an_alert("a", title="NUL \x00, half a pair \ud800, \u202e", odd={"b": [1, 1.0, None], "a": "ü"})
    desk.take(document)
    (raw,) = desk.raws("a")
    assert raw == document
    assert json.dumps(raw) == json.dumps(document)
    assert "\x00" not in desk.alert("a").title


def test_what_is_delivered_again_is_nothing_new(desk: Desk) -> None:
    publish(desk.database, desk.organization, "Look", EVERYTHING)
    desk.take(an_alert("a"), an_alert("a"))
    again = desk.take(an_alert("a"), an_alert("a"))
    assert again == Stored(0, 0, 0, ())
    assert len(desk.runs()) == len(desk.raws("a")) == 1


def test_a_changed_document_is_a_version_and_an_update(desk: Desk) -> None:
    publish(desk.database, desk.organization, "Look", "{type: defender.alert, changes: [updated]}")
    desk.take(an_alert("a"))
    done = desk.take(an_alert("a", LATER, status="InProgress"))
    assert (done.new, done.versions, len(done.runs)) == (0, 1, 1)
    alert = desk.alert("a")
    assert (alert.version, alert.status, alert.updated_at) == (2, "InProgress", LATER)
    assert [raw["status"] for raw in desk.raws("a")] == ["New", "InProgress"]
    (run,) = desk.runs()
    assert (run["cause_key"], run["alert_version"]) == (f"alert:{alert.id}:updated:2", 2)
    assert desk.told("alert") == ["created", "updated"]


def test_versions_within_one_page_are_told_apart_too(desk: Desk) -> None:
    publish(desk.database, desk.organization, "Look", EVERYTHING)
    done = desk.take(an_alert("a"), an_alert("a", LATER, status="Resolved"), an_alert("a"))
    assert (done.new, done.versions, len(done.runs)) == (1, 2, 2)
    assert (desk.alert("a").version, desk.alert("a").status) == (2, "Resolved")
    assert [run["cause_key"].rsplit(":", 1)[1] for run in desk.runs()] == ["created", "2"]


def test_a_version_that_comes_late_is_kept_and_changes_nothing_else(desk: Desk) -> None:
    publish(desk.database, desk.organization, "Look", EVERYTHING)
    desk.take(an_alert("a", LATER, status="Resolved"))
    done = desk.take(an_alert("a", NOON, status="New"))
    assert (done.versions, done.runs) == (1, ())
    assert (desk.alert("a").version, desk.alert("a").status) == (1, "Resolved")
    assert len(desk.raws("a")) == 2
    desk.take(an_alert("a", LATER + timedelta(seconds=1), status="InProgress"))
    assert (desk.alert("a").version, desk.alert("a").status) == (3, "InProgress")


def test_a_comment_of_ours_is_stored_and_starts_nothing(desk: Desk) -> None:
    publish(desk.database, desk.organization, "Look", EVERYTHING)
    desk.take(an_alert("a"))
    ours = {"comment": f"Contained. {MARKER}1]", "createdBy": "app"}
    assert desk.take(an_alert("a", LATER, comments=[ours])).runs == ()
    theirs = {"comment": "Thank you.", "createdBy": "ada@contoso.com"}
    assert len(desk.take(an_alert("a", LATER, comments=[ours, theirs])).runs) == 1
    assert desk.alert("a").version == 3


def test_a_malformed_alert_in_the_middle_is_kept_apart_and_costs_no_other(desk: Desk) -> None:
    nested: dict[str, Any] = {"id": "deep"}
    for _ in range(100_000):
        nested = {"id": "deep", "inner": nested}
    documents = [an_alert("a"), {"id": 7}, None, "text", nested, an_alert("b", title=["no", "text"]), {"id": 7}]
    done = desk.take(*documents)
    assert (done.new, done.rejected) == (2, 4)
    kept = desk.database.read_now(lambda tx: queue.rejected(tx, desk.organization))
    assert sorted(each.reason.split(".")[0] for each in kept) == [
        "An alert is an object, and this is a text",
        "An alert is an object, and this is null",
        "The alert is nested too deeply, or holds something that is not JSON; only its id could be kept",
        "The alert's id is a number instead of a text",
    ]
    assert desk.take(*documents).rejected == 0
    while "inner" in nested:
        nested = nested.pop("inner")


def test_another_account_of_the_same_tenant_has_alerts_of_its_own(desk: Desk) -> None:
    other = a_stored_account(desk.database, desk.organization, name="contoso-eu")
    desk.take(an_alert("a"))
    page = prepare([an_alert("a")])
    done = desk.database.run_now(lambda tx: store(tx, other.id, page, desk.registry))
    assert done.new == 1


def test_a_page_for_an_account_that_is_gone_or_off_is_not_stored(desk: Desk) -> None:
    desk.database.run_now(lambda tx: records.disable(tx, desk.account.id))
    with pytest.raises(AccountDisabled):
        desk.take(an_alert("a"))
    desk.database.run_now(lambda tx: tx.execute(sa.delete(accounts)))
    with pytest.raises(NotFound):
        desk.take(an_alert("a"))


def test_a_page_that_fails_half_way_leaves_nothing(desk: Desk) -> None:
    publish(desk.database, desk.organization, "Look", EVERYTHING)
    page = prepare([an_alert("a"), {"id": 7}])

    def breaks(tx: Any) -> None:
        store(tx, desk.account.id, page, desk.registry)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.database.run_now(breaks)
    assert desk.database.read_now(lambda tx: queue.page(tx, desk.organization)).alerts == []
    assert desk.database.read_now(lambda tx: queue.rejected(tx, desk.organization)) == []
    assert desk.runs() == []
    assert desk.told("alert") == []
