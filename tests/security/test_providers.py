import asyncio
from dataclasses import replace

import pytest

from ringfence.errors import Conflict, Invalid, MissingPermission, NotFound, Outdated, RingfenceError
from ringfence.organizations import service as organizations
from ringfence.security import providers
from ringfence.security.crypto import KEY_BYTES, Vault
from ringfence.security.providers import NewProvider, Rule
from ringfence.security.rbac import Actor, Role, acting_as, command_line
from ringfence.storage import Database, editions
from ringfence.storage.tables import identity_providers

VAULT = Vault(bytes(KEY_BYTES))
NEW = NewProvider("contoso", "https://login.contoso.com", "ringfence", "a secret", domains=("contoso.com",))


@pytest.fixture
def root(database: Database) -> Actor:
    return command_line("root", database.run_now(lambda tx: organizations.create(tx, "contoso")).id)


def _put(database: Database, actor: Actor, new: NewProvider) -> providers.Provider:
    return database.run_now(lambda tx: providers.put(tx, VAULT, actor, new))


def test_a_provider_is_added_found_changed_and_removed(database: Database, root: Actor) -> None:
    made = _put(database, root, replace(NEW, button=True))
    assert (made.label, made.has_secret, made.domains) == ("contoso", True, ("contoso.com",))
    assert "a secret" not in database.read_now(lambda tx: repr(tx.all(identity_providers.select())))
    assert database.read_now(lambda tx: providers.secret_of(tx, VAULT, made)) == "a secret"
    changed = _put(database, root, replace(NEW, secret=None, label="Contoso", button=True))
    assert (changed.id, changed.label, changed.has_secret) == (made.id, "Contoso", True)
    assert database.read_now(providers.buttons) == [changed]
    assert database.read_now(lambda tx: providers.every(tx, root.organization_id)) == [changed]
    assert database.read_now(lambda tx: providers.for_name(tx, " Megan@CONTOSO.com")) == changed
    for name in ("megan", "contoso.com", "megan@sub.contoso.com", "@", ""):
        assert database.read_now(lambda tx, name=name: providers.for_name(tx, name)) is None  # type: ignore[misc]
    database.run_now(lambda tx: providers.remove(tx, root, "contoso"))
    assert database.read_now(lambda tx: providers.by_id(tx, made.id)) is None
    with pytest.raises(NotFound):
        database.run_now(lambda tx: providers.remove(tx, root, "contoso"))


async def test_of_several_who_write_a_provider_at_once_one_is_first_and_the_others_are_told(
    database: Database, root: Actor
) -> None:
    def seen() -> str:
        return database.read_now(lambda tx: providers.edition(tx, root.organization_id, "contoso"))

    async def put(new: NewProvider, at: str) -> providers.Provider:
        return await database.run(lambda tx: providers.put(tx, VAULT, root, new, seen=at))

    assert seen() == editions.NONE
    for secret in ("a secret", None, "another secret"):
        at = seen()
        new = [replace(NEW, secret=secret, label=f"{each} {secret}") for each in ("One", "Two", "Three")]
        ended = await asyncio.gather(*(put(each, at) for each in new), return_exceptions=True)
        (first,) = [each for each in ended if isinstance(each, providers.Provider)]
        assert sum(isinstance(each, Outdated) for each in ended) == 2, ended
        assert database.read_now(lambda tx: providers.every(tx, root.organization_id)) == [first]
    at = seen()
    database.run_now(lambda tx: providers.note(tx, first.id, RingfenceError("It did not answer.")))
    database.run_now(lambda tx: providers.switch(tx, root, "contoso", on=False))
    assert seen() == at


def test_a_secret_goes_to_no_other_issuer_than_the_one_it_was_entered_for(embedded: Database) -> None:
    root = command_line("root", embedded.run_now(lambda tx: organizations.create(tx, "fabrikam-2")).id)
    _put(embedded, root, NEW)
    moved = _put(embedded, root, replace(NEW, secret=None, issuer="https://evil.test"))
    assert not moved.has_secret


def test_what_is_the_installations_is_kept_by_its_administrators(database: Database, root: Actor) -> None:
    megan = acting_as(
        Role.ORGANIZATION_ADMINISTRATOR,
        user_id="m",
        name="megan",
        organization_id=root.organization_id,
        label="",
        how="session",
    )
    other = database.run_now(lambda tx: organizations.create(tx, "fabrikam")).id
    for new in (
        replace(NEW, button=True),
        replace(NEW, mapping=(Rule("soc", other, Role.READ_ONLY),)),
        replace(NEW, mapping=(Rule("soc", root.organization_id, Role.SYSTEM_ADMINISTRATOR),)),
        replace(NEW, default_role=Role.SYSTEM_ADMINISTRATOR),
    ):
        with pytest.raises(MissingPermission):
            _put(database, megan, new)
    _put(database, megan, replace(NEW, mapping=(Rule("soc", root.organization_id, Role.RESPONDER),)))
    with pytest.raises(Conflict, match="Another organization"):
        _put(database, command_line("root", other), replace(NEW, domains=()))
    with pytest.raises(Conflict, match=r"contoso\.com"):
        _put(database, command_line("root", other), replace(NEW, name="fabrikam"))
    with pytest.raises(MissingPermission):
        _put(
            database,
            acting_as(
                Role.RESPONDER, user_id="r", name="r", organization_id=root.organization_id, label="", how="session"
            ),
            NEW,
        )


def test_what_cannot_be_a_provider_is_named(database: Database, root: Actor) -> None:
    wrong = NewProvider(
        "Not A Name",
        "http://login.contoso.com",
        "",
        "",
        scopes="profile",
        domains=("contoso", "a b.com"),
        mapping=(Rule("", root.organization_id, Role.ANALYST),),
    )
    with pytest.raises(Invalid) as refused:
        _put(database, root, wrong)
    named = {each.partition(":")[0] for each in refused.value.problems}
    assert named == {"name", "client_id", "scopes", "secret", "domain", "mapping", "issuer"}
