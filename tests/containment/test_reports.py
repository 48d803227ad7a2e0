from dataclasses import replace

import pytest

from containment_rows import rows_in
from ringfence import clock
from ringfence.containment import reports
from ringfence.containment.model import Containment, State
from ringfence.containment.reports import Kind, ReportState
from ringfence.storage import Database
from ringfence.storage.tables import alerts


def _an_alert(database: Database, organization_id: str, account_id: str) -> str:
    alert_id = clock.new_id()
    row = {
        "id": alert_id,
        "organization_id": organization_id,
        "account_id": account_id,
        "alert_id": "da1",
        "version": 1,
    }
    words = {"title": "t", "severity": "High", "status": "New", "category": "c", "ingested_at": clock.now()}
    database.run_now(lambda tx: tx.execute(alerts.insert().values(row | words)))
    return alert_id


def _about(database: Database, containment: Containment) -> list[tuple[Kind, ReportState]]:
    found = database.read_now(lambda tx: reports.of(tx, containment.id))
    return [(each.kind, each.state) for each in found]


def test_each_verified_result_is_due_once_from_the_transaction_that_made_it_true(database: Database) -> None:
    rows = rows_in(database)
    alert = _an_alert(database, rows.organization_id, rows.account_id)
    rows.request(alert_id=alert)
    taken = rows.claim()[0]
    pending = rows.move(taken, State.APPROVED, State.SUBMITTING, State.PENDING)
    assert _about(database, pending) == []
    held = rows.move(pending, State.CONTAINED)
    assert _about(database, held) == [(Kind.RESULT, ReportState.DUE)]
    rows.move(held, State.RELEASING, State.RELEASE_FAILED, State.RELEASING, State.RELEASED)
    assert _about(database, held) == [(Kind.RESULT, ReportState.DUE), (Kind.RELEASED, ReportState.DUE)]


def test_a_containment_without_an_alert_has_nobody_to_tell(database: Database) -> None:
    rows = rows_in(database)
    rows.request()
    denied = rows.move(rows.claim()[0], State.DENIED)
    assert _about(database, denied) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.DENIED, "was not contained: policy refused it. Because."),
        (State.TIMED_OUT, "was not contained: Defender did not reach the device in time. Because."),
        (State.PENDING, "is not known yet: it is pending."),
        (State.SUBMITTING, "is not known yet: it is submitting."),
    ],
)
def test_nothing_is_called_contained_that_defender_did_not_confirm(
    embedded: Database, state: State, words: str
) -> None:
    rows = rows_in(embedded)
    asked = replace(rows.request(), state=state, detail="Because.", machine_name="wks-001.contoso.com")
    said = reports.words(asked, Kind.RESULT)
    assert words in said
    assert "isolated" not in said
    assert said.startswith("Ringfence: ")
    assert said.endswith(reports.marker(asked.id, Kind.RESULT))


def test_what_was_confirmed_is_said_with_its_time_and_stays_true_after_the_release(embedded: Database) -> None:
    rows = rows_in(embedded)
    asked = replace(rows.request(), state=State.RELEASED, confirmed_at=clock.now(), machine_name="wks-001.contoso.com")
    said = reports.words(asked, Kind.RESULT)
    assert "wks-001.contoso.com was isolated; Defender confirmed it at 2026-09-21" in said
    selectively = replace(asked, isolation_type="Selective")
    assert "isolated (selectively)" in reports.words(selectively, Kind.RESULT)
    assert "was released outside Ringfence" in reports.words(asked, Kind.RELEASED)
    freed = replace(asked, released_at=clock.now())
    assert "was released; Defender confirmed it at 2026-09-21" in reports.words(freed, Kind.RELEASED)
