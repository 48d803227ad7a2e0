import pytest

from ringfence.errors import MissingPermission
from ringfence.organizations import members, rights, service
from ringfence.security.rbac import PERMISSIONS, Permission, Role, acting_as, asked_by, command_line
from ringfence.storage import Database, Transaction


@pytest.fixture
def here(embedded: Database) -> str:
    def work(tx: Transaction) -> str:
        organization = service.create(tx, "Contoso").id
        members.ensure(tx, organization, "adele", Role.RESPONDER)
        members.ensure(tx, organization, "megan", Role.ANALYST)
        return organization

    return embedded.run_now(work)


def test_a_name_counts_by_its_role_and_one_that_nobody_signs_in_by_for_what_it_was_asked(
    embedded: Database, here: str
) -> None:
    with embedded.reading() as tx:
        assert rights.held(tx, here, "megan") == PERMISSIONS[Role.ANALYST]
        assert rights.held(tx, here, "night shift") == frozenset(Permission)
        assert rights.holders(tx, here, Permission.CONTAINMENT_CONTAIN) == ("adele",)


def test_who_asks_counts_with_what_they_came_with(embedded: Database, here: str) -> None:
    scopes = (Permission.PLAYBOOK_PUBLISH,)
    token = acting_as(
        Role.RESPONDER, user_id="1", name="adele", organization_id=here, label="t", how="token", scopes=scopes
    )
    with embedded.reading() as tx, asked_by(token):
        assert rights.held(tx, here, "adele") == {Permission.PLAYBOOK_PUBLISH}
        assert rights.held(tx, here, "megan") == PERMISSIONS[Role.ANALYST]
    with embedded.reading() as tx, asked_by(command_line("megan", "")):
        assert rights.held(tx, here, "megan") == frozenset(Permission)


def test_who_lacks_a_permission_is_told_whom_to_ask(embedded: Database, here: str) -> None:
    with embedded.reading() as tx:
        rights.demand(tx, here, "adele", Permission.CONTAINMENT_CONTAIN)
        with pytest.raises(MissingPermission, match="adele") as caught:
            rights.demand(tx, here, "megan", Permission.CONTAINMENT_CONTAIN)
    assert caught.value.permission == "containment:contain"
