import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import an_organization
from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.errors import Invalid
from ringfence.runs import saved
from ringfence.runs.saved import Rate
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import audit_entries, runs, time_saved


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
    database.run_now(lambda tx: saved.set_rate(tx, contoso.organization_id, 84.5, " eur ", by="ines"))
    priced = database.read_now(lambda tx: saved.summed(tx, contoso.organization_id, since=month.since))
    assert (priced.rate, priced.worth) == (Rate(84.5, "EUR"), 126.75)
    other = database.read_now(lambda tx: saved.summed(tx, "another"))
    assert (other.minutes, other.shares, other.rate) == (0, (), None)


def test_a_rate_is_set_replaced_and_taken_away(database: Database, contoso: Contoso) -> None:
    for rate in (80.0, 90.0):
        database.run_now(lambda tx, rate=rate: saved.set_rate(tx, contoso.organization_id, rate, "USD", by="ines"))  # type: ignore[misc]
    assert database.read_now(lambda tx: saved.rate_of(tx, contoso.organization_id)) == Rate(90.0, "USD")
    database.run_now(lambda tx: saved.set_rate(tx, contoso.organization_id, 0, "USD", by="ines"))
    assert database.read_now(lambda tx: saved.rate_of(tx, contoso.organization_id)) is None


@pytest.mark.parametrize(
    ("rate", "currency"), [(-1, "EUR"), (float("nan"), "EUR"), (1e9, "EUR"), (1, "EURO"), (1, "€"), (1, "E1R")]
)
def test_what_is_no_rate_is_refused(embedded: Database, rate: float, currency: str) -> None:
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: saved.set_rate(tx, "o", rate, currency, by="ines"))


def test_who_changes_what_an_hour_costs_is_written_down_and_saying_it_again_is_no_change(embedded: Database) -> None:
    organization = an_organization(embedded)
    for rate in (0.0, 80.0, 80.0, 95.0, 0.0):
        embedded.run_now(lambda tx, rate=rate: saved.set_rate(tx, organization, rate, "EUR", by="ines"))  # type: ignore[misc]
    query = sa.select(audit_entries).where(audit_entries.c.event == "hourly_rate:changed").order_by("number")
    found = embedded.read_now(lambda tx: tx.all(query))
    assert [row["actor"] for row in found] == ["ines"] * 3
    before = [(json.loads(row["details"])["before"] or {}).get("rate") for row in found]
    assert before == [None, 80.0, 95.0]
