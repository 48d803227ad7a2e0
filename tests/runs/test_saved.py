from datetime import timedelta

import pytest
import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.errors import Invalid
from ringfence.runs import saved
from ringfence.runs.saved import Rate
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import runs, time_saved


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def test_what_runs_spared_is_summed_by_playbook_with_what_was_deleted_since(
    database: Database, contoso: Contoso
) -> None:
    def put(tx: Transaction) -> None:
        spared = {"minutes_saved": 30.0, "finished_at": NOW - timedelta(days=1)}
        tx.execute(sa.update(runs).where(runs.c.id == contoso.run_id).values(**spared))
        for days, minutes in ((2, 60.0), (40, 600.0)):
            day = (NOW - timedelta(days=days)).date().isoformat()
            row = {"organization_id": contoso.organization_id, "playbook_id": contoso.playbook_id, "day": day}
            tx.execute(sa.insert(time_saved).values(row | {"runs": days, "minutes": minutes}))

    database.run_now(put)
    ever = database.read_now(lambda tx: saved.summed(tx, contoso.organization_id))
    assert (ever.runs, ever.minutes, ever.hours, ever.worth) == (43, 690.0, 11.5, None)
    month = database.read_now(lambda tx: saved.summed(tx, contoso.organization_id, since=saved.lately(30)))
    assert [(share.playbook, share.runs, share.minutes) for share in month.shares] == [("Contain ransomware", 3, 90.0)]
    database.run_now(lambda tx: saved.set_rate(tx, contoso.organization_id, 84.5, " eur "))
    priced = database.read_now(lambda tx: saved.summed(tx, contoso.organization_id, since=month.since))
    assert (priced.rate, priced.worth) == (Rate(84.5, "EUR"), 126.75)
    other = database.read_now(lambda tx: saved.summed(tx, "another"))
    assert (other.minutes, other.shares, other.rate) == (0, (), None)


def test_a_rate_is_set_replaced_and_taken_away(database: Database, contoso: Contoso) -> None:
    for rate in (80.0, 90.0):
        database.run_now(lambda tx, rate=rate: saved.set_rate(tx, contoso.organization_id, rate, "USD"))  # type: ignore[misc]
    assert database.read_now(lambda tx: saved.rate_of(tx, contoso.organization_id)) == Rate(90.0, "USD")
    database.run_now(lambda tx: saved.set_rate(tx, contoso.organization_id, 0, "USD"))
    assert database.read_now(lambda tx: saved.rate_of(tx, contoso.organization_id)) is None


@pytest.mark.parametrize(
    ("rate", "currency"), [(-1, "EUR"), (float("nan"), "EUR"), (1e9, "EUR"), (1, "EURO"), (1, "€"), (1, "E1R")]
)
def test_what_is_no_rate_is_refused(embedded: Database, rate: float, currency: str) -> None:
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: saved.set_rate(tx, "o", rate, currency))
