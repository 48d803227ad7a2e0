from pathlib import Path

import pytest

from ringfence.errors import Conflict, MissingPermission, NotFound
from ringfence.organizations import service as organizations
from ringfence.security import key_care, providers
from ringfence.security.crypto import KEY_BYTES, Vault
from ringfence.security.providers import NewProvider
from ringfence.security.rbac import Actor, Role, acting_as, command_line
from ringfence.storage import Database


def _person(organization_id: str, role: Role) -> Actor:
    return acting_as(role, user_id="m", name="megan", organization_id=organization_id, label="", how="session")


def test_administrators_see_and_rotate_their_own_keys_and_who_runs_it_those_of_all(
    embedded: Database, tmp_path: Path
) -> None:
    vault = Vault(bytes(KEY_BYTES), embedded)
    here, there = (
        embedded.run_now(lambda tx: organizations.create(tx, name)).id  # noqa: B023
        for name in ("Contoso", "Fabrikam")
    )
    for index, each in enumerate((here, there)):
        new = NewProvider(f"p{index}", "https://login.contoso.com", "x", "a secret")
        embedded.run_now(lambda tx: providers.put(tx, vault, command_line("root", each), new))  # noqa: B023
    megan, root = _person(here, Role.ORGANIZATION_ADMINISTRATOR), _person(here, Role.SYSTEM_ADMINISTRATOR)
    (first,) = key_care.look(embedded, vault, tmp_path, megan).keys
    assert (first.organization, first.active, first.secrets) == ("Contoso", True, 1)
    assert {each.organization for each in key_care.look(embedded, vault, tmp_path, root).keys} >= {
        "Contoso",
        "Fabrikam",
    }
    done = key_care.rotate_organization(embedded, vault, megan)
    assert done is not None
    assert (done.done, done.all) == (1, 1)
    shown = key_care.look(embedded, vault, tmp_path, megan)
    assert (shown.secrets, shown.sealed) == (1, 1)
    old, new_key = sorted(shown.keys, key=lambda each: each.active)
    assert (old.id, old.secrets, new_key.secrets) == (first.id, 0, 1)
    theirs = next(each for each in key_care.look(embedded, vault, tmp_path, root).keys if each.organization_id == there)
    with pytest.raises(NotFound):
        key_care.retire(embedded, vault, megan, theirs.id)
    with pytest.raises(Conflict):
        key_care.retire(embedded, vault, megan, new_key.id)
    key_care.retire(embedded, vault, megan, old.id)
    assert key_care.look(embedded, vault, tmp_path, megan).keys == (new_key,)
    for forbidden in (
        lambda: key_care.rotate_master(embedded, vault, megan),
        lambda: key_care.rotate_audit(embedded, tmp_path, megan),
        lambda: key_care.look(embedded, vault, tmp_path, _person(here, Role.RESPONDER)),
    ):
        with pytest.raises(MissingPermission):
            forbidden()
    before = shown.signing.key
    assert key_care.rotate_audit(embedded, tmp_path, root).older == (before,)
    # There is one master key, and everything is wrapped under it.
    assert key_care.rotate_master(embedded, vault, root) is None
