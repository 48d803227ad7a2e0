from datetime import timedelta
from typing import Any

import pytest

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert
from ringfence import clock
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.completeness import Before, Delays
from ringfence.ingestion.pages import prepare, store
from ringfence.services.model import Service
from ringfence.storage import Database
from ringfence.triggers.registry import Registry
from service_samples import the_service

HOUR = timedelta(hours=1)


@pytest.fixture
def service(database: Database) -> Service:
    clock.replace(lambda: NOON.timestamp())
    return the_service(database, a_stored_account(database, an_organization(database)).id)


def claim(database: Database, service: Service, hours: int) -> str | None:
    due_at = NOON + hours * HOUR
    return database.run_now(lambda tx: sweep_ledger.claim(tx, service, due_at=due_at, since=NOON))


def finish(database: Database, service: Service, sweep_id: str, **values: Any) -> None:
    database.run_now(lambda tx: sweep_ledger.finish(tx, service, sweep_id, values))


def test_a_sweep_of_one_moment_is_claimed_once(database: Database, service: Service) -> None:
    assert claim(database, service, 0) is not None
    assert claim(database, service, 0) is None
    assert claim(database, service, 1) is not None


def test_the_last_sweeps_are_read_newest_first(database: Database, service: Service) -> None:
    for hours in range(3):
        claim(database, service, hours)
    found = database.read_now(lambda tx: sweep_ledger.recent(tx, service.id, limit=2))
    assert [each.due_at for each in found] == [NOON + 2 * HOUR, NOON + HOUR]
    assert [(each.finished_at, each.missed, each.delays) for each in found] == [(None, (), None)] * 2


def test_what_was_found_is_read_back(database: Database, service: Service) -> None:
    sweep_id = claim(database, service, 0)
    assert sweep_id is not None
    told = {"count": 2, "p50": 1.0, "p90": 2.0, "p99": 2.0, "longest": 2.0}
    finish(database, service, sweep_id, seen=7, missed=[{"alert_id": "da1_1"}], delays=told, problem="Odd: \x00")
    (found,) = database.read_now(lambda tx: sweep_ledger.recent(tx, service.id))
    assert (found.seen, found.missed, found.problem) == (7, ({"alert_id": "da1_1"},), "Odd: \ufffd")
    assert found.delays == Delays(**told)  # type: ignore[arg-type]


def test_a_sweep_is_compared_with_the_last_one_that_ended_well(database: Database, service: Service) -> None:
    first, failed, unfinished, now = (claim(database, service, hours) for hours in range(4))
    assert first is not None
    assert failed is not None
    assert None not in (unfinished, now)
    finish(database, service, first, newest=NOON)
    finish(database, service, failed, newest=NOON + HOUR, error="It rained.")
    before = database.read_now(lambda tx: sweep_ledger.before(tx, service.id, NOON + 3 * HOUR))
    assert before == Before(None, NOON)
    assert database.read_now(lambda tx: sweep_ledger.before(tx, service.id, NOON)) is None


def test_what_was_missed_is_named_with_how_late_it_came(database: Database, service: Service) -> None:
    page = prepare([an_alert("b", NOON - HOUR), an_alert("a", NOON - 2 * HOUR), an_alert("odd", lastUpdateTime=None)])
    stored = database.run_now(lambda tx: store(tx, service.account_id, page, Registry()))
    found = database.read_now(lambda tx: sweep_ledger.missed(tx, stored.taken))
    assert [(each.alert_id, each.late) for each in found] == [("daodd_1", None), ("daa_1", 7200.0), ("dab_1", 3600.0)]
    assert sweep_ledger.named(found)[1]["updated_at"] == "2026-06-01T10:00:00.000Z"
    assert sweep_ledger.named(found)[0]["updated_at"] is None
    assert len(sweep_ledger.named(found * 20)) == 20
