"""Who works where as what: on both databases, since the last administrator is kept by locks."""

import pytest
import sqlalchemy as sa

from ringfence.errors import Conflict, Forbidden, NotFound
from ringfence.organizations import members, service
from ringfence.organizations.model import State
from ringfence.security.rbac import PERMISSIONS, Actor, Permission, Role, acting_as, command_line
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import audit_entries

SERVER = command_line("root", "")


@pytest.fixture
def here(database: Database) -> str:
    """Give Contoso, whose administrator is ada; root is the System Administrator."""

    def work(tx: Transaction) -> str:
        organization = service.create(tx, "Contoso").id
        members.ensure(tx, organization, "root", members.first_or(tx, Role.READ_ONLY))
        members.ensure(tx, organization, "ada", Role.ORGANIZATION_ADMINISTRATOR)
        return organization

    return database.run_now(work)


def somebody(database: Database, organization: str, name: str) -> Actor:
    def work(tx: Transaction) -> Actor:
        user_id = members.by_name(tx, organization, name).user_id
        found = members.actor(tx, user_id, organization, label="x", how="session")
        assert found is not None
        return found

    return database.read_now(work)


def test_the_first_person_of_an_installation_is_its_system_administrator(database: Database, here: str) -> None:
    listed = database.read_now(lambda tx: members.every(tx, here))
    assert [(each.name, each.role) for each in listed] == [
        ("ada", Role.ORGANIZATION_ADMINISTRATOR),
        ("root", Role.SYSTEM_ADMINISTRATOR),
    ]
    assert database.read_now(members.administrators) == ["root"]
    assert database.read_now(lambda tx: members.first_or(tx, Role.READ_ONLY)) is Role.READ_ONLY


def test_somebody_works_in_several_organizations_with_a_role_in_each(database: Database, here: str) -> None:
    there = database.run_now(lambda tx: service.create(tx, "Fabrikam").id)
    user_id = database.run_now(lambda tx: members.add(tx, here, "tom", Role.RESPONDER, SERVER).user_id)
    assert database.read_now(lambda tx: members.place(tx, user_id, None)) is not None
    database.run_now(lambda tx: members.add(tx, there, "tom", Role.READ_ONLY, SERVER))
    places = database.read_now(lambda tx: members.places(tx, user_id))
    assert [(each.organization.name, each.role) for each in places] == [
        ("Contoso", Role.RESPONDER),
        ("Fabrikam", Role.READ_ONLY),
    ]
    # With several there is none that would be meant by itself.
    assert database.read_now(lambda tx: members.place(tx, user_id, None)) is None
    found = somebody(database, there, "tom")
    assert (found.organization_id, found.permissions) == (there, PERMISSIONS[Role.READ_ONLY])
    with pytest.raises(Conflict, match="already"):
        database.run_now(lambda tx: members.add(tx, there, "tom", Role.ANALYST, SERVER))


def test_who_chose_an_organization_that_they_lost_is_in_none_and_not_in_another(database: Database, here: str) -> None:
    there = database.run_now(lambda tx: service.create(tx, "Fabrikam").id)
    user_id = database.run_now(lambda tx: members.add(tx, here, "tom", Role.RESPONDER, SERVER).user_id)
    assert database.read_now(lambda tx: members.actor(tx, user_id, there, label="x", how="session")) is None


def test_a_system_administrator_works_everywhere_also_where_an_organization_is_closed(
    database: Database, here: str
) -> None:
    def work(tx: Transaction) -> str:
        there = service.create(tx, "Fabrikam").id
        members.add(tx, there, "tom", Role.RESPONDER, SERVER)
        service.stand(tx, there, State.CLOSED, "The contract ended.")
        return there

    there = database.run_now(work)
    root = database.read_now(lambda tx: members.by_name(tx, here, "root")).user_id
    found = database.read_now(lambda tx: members.actor(tx, root, there, label="x", how="session"))
    assert found is not None
    assert found.may(Permission.ALERT_READ)
    assert not found.may(Permission.CONTAINMENT_CONTAIN)
    tom = database.read_now(lambda tx: members.by_name(tx, there, "tom")).user_id
    assert database.read_now(lambda tx: members.places(tx, tom)) == []


def test_the_last_administrators_stay(database: Database, here: str) -> None:
    root = database.read_now(lambda tx: members.by_name(tx, here, "root")).user_id
    ada = database.read_now(lambda tx: members.by_name(tx, here, "ada")).user_id
    with pytest.raises(Conflict, match="last System Administrator"):
        database.run_now(lambda tx: members.change_role(tx, here, root, Role.ANALYST, SERVER))
    with pytest.raises(Conflict, match="System Administrator, and so"):
        database.run_now(lambda tx: members.remove(tx, here, root, SERVER))
    there = database.run_now(lambda tx: service.create(tx, "Fabrikam").id)
    database.run_now(lambda tx: members.add(tx, there, "ada", Role.ORGANIZATION_ADMINISTRATOR, SERVER))
    with pytest.raises(Conflict, match="last administrator of the organization"):
        database.run_now(lambda tx: members.remove(tx, there, ada, SERVER))
    with pytest.raises(Conflict, match="last administrator of the organization"):
        database.run_now(lambda tx: members.change_role(tx, there, ada, Role.ANALYST, SERVER))
    database.run_now(lambda tx: members.change_role(tx, here, ada, Role.SYSTEM_ADMINISTRATOR, SERVER))
    demoted = database.run_now(lambda tx: members.change_role(tx, here, root, Role.ANALYST, SERVER))
    assert demoted.role is Role.ANALYST
    assert database.read_now(members.administrators) == ["ada"]


def test_nobody_gives_or_takes_a_role_above_their_own(database: Database, here: str) -> None:
    ada = somebody(database, here, "ada")
    root = database.read_now(lambda tx: members.by_name(tx, here, "root")).user_id
    with pytest.raises(Forbidden, match="Only a System Administrator"):
        database.run_now(lambda tx: members.add(tx, here, "eve", Role.SYSTEM_ADMINISTRATOR, ada))
    with pytest.raises(Forbidden, match="Only a System Administrator"):
        database.run_now(lambda tx: members.change_role(tx, here, root, Role.READ_ONLY, ada))
    tom = database.run_now(lambda tx: members.add(tx, here, "tom", Role.RESPONDER, ada))
    with pytest.raises(Forbidden, match="user:manage"):
        database.run_now(lambda tx: members.remove(tx, here, tom.user_id, somebody(database, here, "tom")))


def test_a_person_of_another_organization_is_not_found(database: Database, here: str) -> None:
    there = database.run_now(lambda tx: service.create(tx, "Fabrikam").id)
    ada = database.read_now(lambda tx: members.by_name(tx, here, "ada")).user_id
    with pytest.raises(NotFound):
        database.run_now(lambda tx: members.remove(tx, there, ada, SERVER))
    assert database.read_now(lambda tx: members.permissions(tx, there, "ada")) == frozenset()
    assert database.read_now(lambda tx: members.permissions(tx, there, "nobody")) is None


def test_what_happens_to_people_is_written_down(database: Database, here: str) -> None:
    tom = database.run_now(lambda tx: members.add(tx, here, "tom", Role.RESPONDER, SERVER)).user_id
    database.run_now(lambda tx: members.change_role(tx, here, tom, Role.ANALYST, SERVER))
    database.run_now(lambda tx: members.remove(tx, here, tom, SERVER))
    query = sa.select(audit_entries.c.event).where(audit_entries.c.subject_id == tom).order_by(audit_entries.c.number)
    events = [row["event"] for row in database.read_now(lambda tx: tx.all(query))]
    assert events == ["user:created", "user:added", "user:role_changed", "user:removed"]


def test_a_token_of_a_member_may_what_its_scopes_leave(embedded: Database) -> None:
    def work(tx: Transaction) -> Actor | None:
        organization = service.create(tx, "Contoso").id
        user_id = members.ensure(tx, organization, "tom", Role.ANALYST)
        scopes = (Permission.ALERT_READ, Permission.CONTAINMENT_CONTAIN)
        return members.actor(tx, user_id, organization, label="token x", how="token", scopes=scopes)

    found = embedded.run_now(work)
    assert found is not None
    assert found.permissions == {Permission.ALERT_READ}
    assert (
        found.role is acting_as(Role.ANALYST, user_id=None, name="tom", organization_id="", label="", how="token").role
    )
