import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account
from containment_rows import MACHINE, Rows, rows_in
from containment_world import World
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.containment import sensor
from ringfence.containment.model import State
from ringfence.containment.sensor import SecondSensor
from ringfence.containment.service import NotTheSensor
from ringfence.errors import Conflict, LeaseLost
from ringfence.storage import Database
from ringfence.storage.tables import containment_events


@pytest.fixture
def rows(database: Database) -> Rows:
    return rows_in(database)


def second(rows: Rows, **values: object) -> Account:
    first = rows.database.read_now(lambda tx: records.by_id(tx, rows.account_id))
    values = {"name": "second", "tenant_id": first.tenant_id, "client_id": "other"} | values
    return a_stored_account(rows.database, rows.organization_id, **values)


def choose(rows: Rows, name: str, *, replace: bool = False) -> Account:
    return rows.database.run_now(lambda tx: sensor.choose(tx, rows.organization_id, name, replace=replace, by="asmith"))


def test_a_second_account_that_contains_is_refused_with_the_reason(rows: Rows) -> None:
    second(rows)
    with pytest.raises(SecondSensor, match="contained through 'contoso', and only one account can do so") as refused:
        choose(rows, "second")
    assert "--replace" in refused.value.advice
    assert choose(rows, "contoso").id == rows.account_id


def test_a_containment_through_another_account_is_refused_and_says_which_one_contains(rows: Rows) -> None:
    other = second(rows)
    with pytest.raises(NotTheSensor, match="account 'second': 'contoso' does for this organization") as refused:
        rows.request(account_id=other.id)
    assert "ringfence account sensor second --replace" in refused.value.advice
    choose(rows, "second", replace=True)
    assert rows.request(account_id=other.id).state == State.REQUESTED


def test_what_is_held_is_handed_over_within_a_tenant_and_its_driver_loses_it(rows: Rows) -> None:
    held, other = rows.held(), second(rows)
    choose(rows, "second", replace=True)
    with pytest.raises(LeaseLost):
        rows.move(held, State.SUPERSEDED)
    after = rows.look(held)
    assert (after.account_id, after.live_key) == (other.id, f"{other.id}:{MACHINE}")
    assert [each.id for each in rows.claim()] == [held.id]
    query = sa.select(containment_events.c.detail).where(containment_events.c.containment_id == held.id)
    said = [row["detail"] for row in rows.database.read_now(lambda tx: tx.all(query))]
    assert "asmith handed it over from the account contoso to second." in said


def test_what_is_held_in_another_tenant_stays_with_the_account_that_reaches_it(rows: Rows) -> None:
    held = rows.held()
    second(rows, tenant_id="fabrikam.example")
    choose(rows, "second", replace=True)
    assert rows.look(held).account_id == rows.account_id
    rows.let_go(held)
    assert rows.look(held).release_requested_at is not None


def test_a_host_that_both_accounts_hold_is_not_handed_over(rows: Rows) -> None:
    rows.held()
    other = second(rows)
    choose(rows, "second", replace=True)
    rows.request(account_id=other.id)
    rows.database.run_now(lambda tx: records.make_sensor(tx, records.by_id(tx, rows.account_id)))
    rows.request()
    with pytest.raises(Conflict, match="Both"):
        choose(rows, "second", replace=True)


def test_an_account_that_is_switched_off_is_not_chosen(rows: Rows) -> None:
    other = second(rows)
    rows.database.run_now(lambda tx: records.disable(tx, other.id))
    with pytest.raises(Conflict, match="switched off"):
        choose(rows, "second", replace=True)


def test_accounts_of_other_organizations_are_not_in_the_way(rows: Rows) -> None:
    others = rows_in(rows.database)
    assert others.request().state == rows.request().state == State.REQUESTED


async def test_what_was_decided_for_an_account_that_contains_no_more_is_not_sent(world: World) -> None:
    asked = world.request("wks-001")
    a_stored_account(
        world.database, world.organization_id, name="fabrikam", tenant_id="fabrikam.example", state=AccountState.HEALTHY
    )
    world.database.run_now(lambda tx: sensor.choose(tx, world.organization_id, "fabrikam", replace=True, by="asmith"))
    await world.settle(asked, State.DENIED)
    assert "another account of the organization contains" in world.look(asked).detail
    assert world.sent("isolate_machine") == []
