import pytest

from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations import service
from ringfence.organizations.model import State
from ringfence.storage import Database


def test_an_organization_is_found_by_name_and_by_id(database: Database) -> None:
    made = database.run_now(lambda tx: service.create(tx, " Contoso "))
    assert made.name == "Contoso"
    assert database.read_now(lambda tx: service.by_name(tx, "Contoso")) == made
    assert database.read_now(lambda tx: service.get(tx, made.id)) == made


def test_a_missing_organization_is_an_error_even_where_there_is_only_one(database: Database) -> None:
    database.run_now(service.ensure_default)
    for look in (service.by_name, service.get):
        with pytest.raises(NotFound, match="There is no organization"):
            database.read_now(lambda tx, look=look: look(tx, "Fabrikam"))  # type: ignore[misc]


def test_the_default_organization_is_made_once(database: Database) -> None:
    first = database.run_now(service.ensure_default)
    assert database.run_now(service.ensure_default) == first
    assert database.read_now(service.every) == [first]


def test_a_name_is_taken_only_once(database: Database) -> None:
    database.run_now(lambda tx: service.create(tx, "Contoso"))
    with pytest.raises(Conflict, match="already is"):
        database.run_now(lambda tx: service.create(tx, "Contoso"))


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "Con\x00toso", "Con\ntoso"])
def test_a_name_that_cannot_be_shown_is_refused(embedded: Database, name: str) -> None:
    with pytest.raises(Invalid):
        embedded.run_now(lambda tx: service.create(tx, name))


def test_an_organization_is_renamed_unless_the_name_is_taken(embedded: Database) -> None:
    made = embedded.run_now(lambda tx: service.create(tx, "Contoso"))
    embedded.run_now(lambda tx: service.create(tx, "Fabrikam"))
    assert embedded.run_now(lambda tx: service.rename(tx, made.id, " Contoso Ltd ")).name == "Contoso Ltd"
    assert embedded.run_now(lambda tx: service.rename(tx, made.id, "Contoso Ltd")).name == "Contoso Ltd"
    with pytest.raises(Conflict, match="already is"):
        embedded.run_now(lambda tx: service.rename(tx, made.id, "Fabrikam"))


def test_an_organization_is_frozen_with_a_reason_and_opened_again(embedded: Database) -> None:
    made = embedded.run_now(lambda tx: service.create(tx, "Contoso"))
    assert embedded.read_now(lambda tx: service.is_active(tx, made.id))
    with pytest.raises(Invalid, match="Say why"):
        embedded.run_now(lambda tx: service.stand(tx, made.id, State.FROZEN, " "))
    frozen = embedded.run_now(lambda tx: service.stand(tx, made.id, State.FROZEN, "Audit"))
    assert (frozen.state, frozen.state_reason) == (State.FROZEN, "Audit")
    assert not embedded.read_now(lambda tx: service.is_active(tx, made.id))
    assert embedded.run_now(lambda tx: service.stand(tx, made.id, State.FROZEN, "Again")) == frozen
    assert embedded.run_now(lambda tx: service.stand(tx, made.id, State.ACTIVE, "Done")).state is State.ACTIVE
