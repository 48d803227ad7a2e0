from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON
from ringfence.accounts import records as accounts
from ringfence.errors import NotFound
from ringfence.services import records
from ringfence.services.model import Service, ServiceState
from ringfence.storage import Database
from ringfence.storage.tables import changes
from service_samples import put, the_service


class Desk:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.account = a_stored_account(database, self.organization)

    def row(self) -> Service:
        return the_service(self.database, self.account.id)

    def states(self) -> list[str]:
        query = sa.select(changes.c.kind).where(changes.c.noun == "service").order_by(changes.c.id)
        return [row["kind"] for row in self.database.read_now(lambda tx: tx.all(query))]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_an_account_begins_with_a_service_of_its_name_or_a_free_one(desk: Desk) -> None:
    assert desk.row().name == "contoso"
    put(desk.database, desk.row().id, name="fabrikam")
    other = a_stored_account(desk.database, desk.organization, name="fabrikam")
    assert the_service(desk.database, other.id).name == "fabrikam 2"
    names = [each.name for each in desk.database.read_now(lambda tx: records.every(tx, desk.organization))]
    assert names == ["fabrikam", "fabrikam 2"]


def test_a_service_is_found_by_name_and_by_id_within_its_organization(desk: Desk) -> None:
    row, read = desk.row(), desk.database.read_now
    elsewhere = an_organization(desk.database, "Fabrikam")
    assert read(lambda tx: records.by_name(tx, desk.organization, "contoso")) == row
    assert read(lambda tx: records.by_id(tx, row.id, organization_id=desk.organization)) == row
    with pytest.raises(NotFound, match="no service named 'night'") as caught:
        read(lambda tx: records.by_name(tx, desk.organization, "night"))
    assert caught.value.advice == "There are: contoso."
    with pytest.raises(NotFound) as caught:
        read(lambda tx: records.by_name(tx, elsewhere, "contoso"))
    assert "connect an account" in caught.value.advice
    with pytest.raises(NotFound):
        read(lambda tx: records.by_id(tx, row.id, organization_id=elsewhere))


def test_only_what_is_on_and_whose_account_is_on_is_followed(desk: Desk) -> None:
    def followed() -> list[str]:
        return [each.name for each in desk.database.read_now(records.switched_on)]

    assert followed() == ["contoso"]
    desk.database.run_now(lambda tx: accounts.disable(tx, desk.account.id))
    assert followed() == []
    desk.database.run_now(lambda tx: accounts.enable(tx, desk.account.id))
    put(desk.database, desk.row().id, enabled=False)
    assert followed() == []


def test_the_watermark_never_moves_back(desk: Desk) -> None:
    service_id = desk.row().id
    for moment, expected in ((NOON, 0), (NOON - timedelta(hours=1), 0), (None, 0), (NOON + timedelta(hours=1), 1)):
        desk.database.run_now(lambda tx, moment=moment: records.advance(tx, service_id, moment))  # type: ignore[misc]
        assert desk.row().watermark == NOON + timedelta(hours=expected)


def test_a_poll_is_claimed_once(desk: Desk) -> None:
    service_id, later = desk.row().id, NOON + timedelta(minutes=1)

    def claim(**values: bool) -> bool:
        return desk.database.run_now(lambda tx: records.claim(tx, service_id, now=NOON, until=later, **values))

    assert [claim(), claim(), claim(early=True)] == [True, False, True]


def test_what_was_noticed_degrades_a_service_until_it_is_taken_back(desk: Desk) -> None:
    run, service_id = desk.database.run_now, desk.row().id
    run(lambda tx: records.flag(tx, service_id, "missed", "Two alerts were missed."))
    run(lambda tx: records.flag(tx, service_id, "gap", "A day was not read."))
    run(lambda tx: records.flag(tx, service_id, "gap", "A day was not read."))
    row = desk.row()
    assert row.state is ServiceState.DEGRADED
    assert row.state_reason == "A day was not read. Two alerts were missed."
    run(lambda tx: records.succeeded(tx, service_id, records.Poll(polled_at=NOON, next_poll_at=NOON)))
    assert desk.row().state is ServiceState.DEGRADED
    run(lambda tx: records.clear(tx, service_id, "gap"))
    run(lambda tx: records.clear(tx, service_id, "gap"))
    assert desk.row().state_reason == "Two alerts were missed."
    run(lambda tx: records.clear(tx, service_id, "missed"))
    assert desk.row().state in (ServiceState.RUNNING, ServiceState.STARTING)
    assert desk.states()[:4] == ["created", "degraded", "degraded", "degraded"]


def test_a_service_that_is_gone_takes_no_notes(desk: Desk) -> None:
    row, run = desk.row(), desk.database.run_now
    run(lambda tx: records.remove(tx, row))
    run(lambda tx: records.flag(tx, row.id, "gap", "A day was not read."))
    run(lambda tx: records.failed(tx, row.id, "No.", NOON))
    assert desk.database.read_now(lambda tx: records.every(tx, desk.organization)) == []
    assert desk.states() == ["created", "removed"]
