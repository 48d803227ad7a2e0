from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfence.errors import Conflict, NotFound
from ringfence.organizations import identities, members
from ringfence.organizations import service as organizations
from ringfence.security import people, providers
from ringfence.security.crypto import KEY_BYTES, Vault
from ringfence.security.people import User
from ringfence.security.providers import NewProvider, Provider, Rule
from ringfence.security.rbac import Role, command_line
from ringfence.storage import Database, Transaction

_ISSUER = "https://login.contoso.com"
_SOC = {"iss": _ISSUER, "sub": "1", "preferred_username": "megan@contoso.com", "groups": ["soc", "all"]}


@dataclass
class World:
    """Two organizations, and a provider that speaks of both."""

    database: Database
    contoso: str = ""
    fabrikam: str = ""
    changes: dict[str, Any] = field(default_factory=dict)

    def provider(self, **changes: Any) -> Provider:
        rules = (
            Rule("soc", self.contoso, Role.RESPONDER),
            Rule("leads", self.contoso, Role.ORGANIZATION_ADMINISTRATOR),
            Rule("fabrikam", self.fabrikam, Role.ANALYST),
        )
        new = NewProvider(**{"name": "contoso", "issuer": _ISSUER, "client_id": "r", "mapping": rules, **changes})
        vault, actor = Vault(bytes(KEY_BYTES)), command_line("root", self.contoso)
        return self.database.run_now(lambda tx: providers.put(tx, vault, actor, new))

    def enter(self, claims: Mapping[str, Any], **changes: Any) -> User | None:
        provider = self.provider(**changes)
        return self.database.run_now(lambda tx: identities.enter(tx, provider, claims))

    def roles(self, user_id: str) -> dict[str, Role]:
        found = self.database.read_now(lambda tx: members.places(tx, user_id))
        return {each.organization.name: each.role for each in found}


@pytest.fixture
def world(database: Database) -> World:
    def work(tx: Transaction) -> World:
        made = World(database, organizations.create(tx, "contoso").id, organizations.create(tx, "fabrikam").id)
        for each in (made.contoso, made.fabrikam):
            members.ensure(tx, each, "boss", Role.ORGANIZATION_ADMINISTRATOR)
        return made

    return database.run_now(work)


def test_a_person_is_made_known_with_the_roles_of_their_groups(world: World) -> None:
    user = world.enter(_SOC)
    assert user is not None
    assert user.name == "megan@contoso.com"
    assert world.roles(user.id) == {"contoso": Role.RESPONDER}
    again = world.enter(_SOC | {"preferred_username": "renamed", "groups": ["leads", "soc", "fabrikam"]})
    assert again == user
    assert world.roles(user.id) == {"contoso": Role.ORGANIZATION_ADMINISTRATOR, "fabrikam": Role.ANALYST}


def test_who_has_left_the_groups_is_out(world: World) -> None:
    user = world.enter(_SOC)
    assert user is not None
    assert world.enter(_SOC | {"groups": ["all"]}) is None
    assert world.roles(user.id) == {}
    assert world.enter(_SOC) == user


def test_without_a_group_nobody_is_let_in_unless_it_is_said(world: World) -> None:
    for groups in ([], ["another"], None, "another", {"soc": 1}, [["soc"]]):
        assert world.enter(_SOC | {"groups": groups}) is None
    assert world.database.read_now(lambda tx: identities.of_user(tx, "x")) == []
    user = world.enter(_SOC | {"groups": []}, default_role=Role.READ_ONLY)
    assert user is not None
    assert world.roles(user.id) == {"contoso": Role.READ_ONLY}


def test_one_group_may_be_said_as_a_text_and_by_another_claim(world: World) -> None:
    assert world.enter({"iss": _ISSUER, "sub": "2", "roles": "soc"}, groups_claim="roles") is not None


def test_a_name_or_a_mail_address_links_nobody(world: World) -> None:
    local = world.database.run_now(lambda tx: members.ensure(tx, world.contoso, "megan@contoso.com", Role.READ_ONLY))
    user = world.enter(_SOC | {"email": "megan@contoso.com", "email_verified": True})
    assert user is not None
    assert user.id != local
    assert user.name == "megan@contoso.com (contoso)"
    third = world.enter(_SOC | {"sub": "3"})
    assert third is not None
    assert third.name.startswith("megan@contoso.com (contoso ")
    assert world.roles(local) == {"contoso": Role.READ_ONLY}
    other = world.enter(_SOC | {"iss": "https://login.fabrikam.com"})
    assert other is not None
    assert other.id not in (local, user.id)


def test_who_is_signed_in_links_their_own_identity_once(world: World) -> None:
    provider = world.provider()
    local = world.database.run_now(lambda tx: members.ensure(tx, world.contoso, "megan", Role.RESPONDER))
    other = world.database.run_now(lambda tx: people.ensure(tx, world.contoso, "alex"))
    world.database.run_now(lambda tx: identities.link(tx, provider, _SOC, local))
    world.database.run_now(lambda tx: identities.link(tx, provider, _SOC, local))
    with pytest.raises(Conflict, match="Somebody else"):
        world.database.run_now(lambda tx: identities.link(tx, provider, _SOC, other))
    user = world.enter(_SOC)
    assert user is not None
    assert user.id == local
    assert world.database.read_now(lambda tx: identities.of_user(tx, local)) == [(_ISSUER, "1")]


def test_the_last_administrator_stays_whatever_a_provider_says(world: World) -> None:
    provider = world.provider()
    boss = world.database.read_now(lambda tx: people.by_name(tx, "boss"))
    world.database.run_now(lambda tx: identities.link(tx, provider, _SOC, boss.id))
    world.enter(_SOC | {"groups": []})
    assert world.roles(boss.id)["contoso"] is Role.ORGANIZATION_ADMINISTRATOR
    with pytest.raises(NotFound):
        world.database.read_now(lambda tx: people.get(tx, "nobody"))
