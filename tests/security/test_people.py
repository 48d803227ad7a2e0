import pytest

from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.security import people
from ringfence.storage import Database, Transaction


@pytest.fixture
def user_id(database: Database) -> str:
    def work(tx: Transaction) -> str:
        return people.ensure(tx, organizations.create(tx, "contoso").id, "megan.bowen")

    return database.run_now(work)


def test_a_user_is_made_once(database: Database, user_id: str) -> None:
    organization = database.read_now(lambda tx: organizations.by_name(tx, "contoso"))
    assert database.run_now(lambda tx: people.ensure(tx, organization.id, " megan.bowen ")) == user_id


def test_somebody_who_is_known_elsewhere_is_the_same_person(database: Database, user_id: str) -> None:
    def work(tx: Transaction) -> str:
        return people.ensure(tx, organizations.create(tx, "fabrikam").id, "megan.bowen")

    assert database.run_now(work) == user_id


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_name_that_cannot_be_one_is_refused(database: Database, user_id: str, name: str) -> None:
    with pytest.raises(Invalid, match="1 to 200"):
        database.run_now(lambda tx: people.ensure(tx, "any", name))
