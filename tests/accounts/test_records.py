import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_account, an_organization
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.errors import Conflict, NotFound
from ringfence.services import records as services
from ringfence.storage import Database
from ringfence.storage.changes import after
from ringfence.storage.tables import accounts


def stored(database: Database, account: Account) -> Account:
    return database.read_now(lambda tx: records.by_id(tx, account.id))


def told(database: Database) -> list[str]:
    return [change.kind for change in database.read_now(lambda tx: after(tx, 0)) if change.noun == "account"]


def test_an_account_is_found_only_in_its_organization(database: Database) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    account = a_stored_account(database, contoso)
    assert database.read_now(lambda tx: records.by_name(tx, contoso, "contoso")) == account
    assert database.read_now(lambda tx: records.every(tx, fabrikam)) == []
    with pytest.raises(NotFound, match="None is connected yet"):
        database.read_now(lambda tx: records.by_name(tx, fabrikam, "contoso"))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: records.by_id(tx, account.id, organization_id=fabrikam))


def test_a_name_that_is_not_known_is_answered_with_those_that_are(database: Database) -> None:
    organization = an_organization(database)
    a_stored_account(database, organization, name="b")
    a_stored_account(database, organization, name="a")
    with pytest.raises(NotFound, match="Connected are: a, b"):
        database.read_now(lambda tx: records.by_name(tx, organization, "contoso"))


def test_a_name_is_taken_once_for_each_organization(database: Database) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    a_stored_account(database, contoso)
    a_stored_account(database, fabrikam)
    with pytest.raises(Conflict, match="already is an account"):
        database.run_now(lambda tx: records.insert(tx, an_account(organization_id=contoso)))


def test_a_failure_is_recorded_once_and_again_when_its_reason_changes(database: Database) -> None:
    account = a_stored_account(database, an_organization(database))
    assert database.run_now(lambda tx: records.mark_failed(tx, account.id, "The secret\x00 has expired."))
    assert not database.run_now(lambda tx: records.mark_failed(tx, account.id, "The secret\ufffd has expired."))
    assert database.run_now(lambda tx: records.mark_failed(tx, account.id, "The tenant is gone."))
    failed = stored(database, account)
    assert (failed.state, failed.state_reason) == (AccountState.FAILED, "The tenant is gone.")
    assert failed.updated_at >= account.updated_at
    assert told(database) == ["healthy", "failed", "failed"]


def test_a_proof_makes_a_failed_account_healthy_and_leaves_a_healthy_one_as_it_is(database: Database) -> None:
    account = a_stored_account(database, an_organization(database), state=AccountState.FAILED, state_reason="No.")
    assert database.run_now(lambda tx: records.mark_proven(tx, account.id, ("Machine.Isolate",)))
    healthy = stored(database, account)
    assert (healthy.state, healthy.state_reason, healthy.roles) == (AccountState.HEALTHY, "", ("Machine.Isolate",))
    clock.replace(lambda: healthy.updated_at.timestamp() + 60)
    assert not database.run_now(lambda tx: records.mark_proven(tx, account.id, None))
    again = stored(database, account)
    assert again.proven_at is not None
    assert healthy.proven_at is not None
    assert again.proven_at > healthy.proven_at
    # What uses the account need not notice: it may go on with the client that it has.
    assert (again.updated_at, again.roles) == (healthy.updated_at, healthy.roles)
    assert told(database) == ["failed", "healthy"]


def test_a_disabled_account_is_neither_failed_nor_proven_but_pending_once_it_is_switched_on(database: Database) -> None:
    account = a_stored_account(database, an_organization(database))
    assert database.run_now(lambda tx: records.disable(tx, account.id))
    assert not database.run_now(lambda tx: records.disable(tx, account.id))
    assert not database.run_now(lambda tx: records.mark_failed(tx, account.id, "No."))
    assert not database.run_now(lambda tx: records.mark_proven(tx, account.id, ()))
    assert database.read_now(services.switched_on) == []
    assert stored(database, account).state is AccountState.DISABLED
    assert database.run_now(lambda tx: records.enable(tx, account.id))
    assert stored(database, account).state is AccountState.PENDING
    assert [each.account_id for each in database.read_now(services.switched_on)] == [account.id]


def test_a_secret_is_not_replaced_in_a_disabled_account(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded), state=AccountState.DISABLED)
    with pytest.raises(Conflict, match="switched off"):
        embedded.run_now(lambda tx: records.replace_credential(tx, account, None))


def test_the_first_account_of_an_organization_contains_until_another_is_chosen(
    database: Database,
) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    first = a_stored_account(database, contoso, name="first")
    second = a_stored_account(database, contoso, name="second")
    other = a_stored_account(database, fabrikam, name="other")
    assert (first.sensor, second.sensor, other.sensor) == (True, False, True)
    database.run_now(lambda tx: records.make_sensor(tx, second))
    found = database.read_now(lambda tx: records.sensor(tx, contoso))
    assert found is not None
    assert (found.id, found.sensor) == (second.id, True)
    assert not database.read_now(lambda tx: records.by_id(tx, first.id)).sensor
    assert database.read_now(lambda tx: records.sensor(tx, clock.new_id())) is None


def test_the_database_refuses_a_second_account_that_contains(database: Database) -> None:
    contoso = an_organization(database)
    a_stored_account(database, contoso, name="first")
    second = a_stored_account(database, contoso, name="second")
    with pytest.raises(sa.exc.IntegrityError):
        database.run_now(
            lambda tx: tx.execute(sa.update(accounts).where(accounts.c.id == second.id).values(sensor=True))
        )
