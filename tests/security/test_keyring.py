from pathlib import Path

import pytest
import sqlalchemy as sa

import sealed_samples
from ringfence import clock
from ringfence.security import keyring
from ringfence.security.crypto import Vault
from ringfence.security.keyring import Unopenable
from ringfence.security.masters import Masters, given
from ringfence.storage import Database, Transaction, scope
from ringfence.storage.tables import key_wraps

MASTERS = Masters(given(bytes(32)))


def test_the_first_use_makes_a_key_and_the_next_finds_it(database: Database) -> None:
    def work(tx: Transaction) -> None:
        own = sealed_samples.organization(tx, "contoso")
        first, second = keyring.active(tx, MASTERS, own), keyring.active(tx, MASTERS, own)
        assert first == second
        assert keyring.find(tx, MASTERS, own, first.id) == first.secret
        assert "secret" not in repr(first)
        # Made at the same moment by somebody else: the first one stays.
        keyring.make(tx, MASTERS, own)
        assert keyring.active(tx, MASTERS, own) == first

    database.run_now(work)


def test_the_key_of_one_organization_is_no_key_of_another(embedded: Database) -> None:
    def work(tx: Transaction) -> None:
        own, other = (sealed_samples.organization(tx, name) for name in ("contoso", "fabrikam"))
        key = keyring.active(tx, MASTERS, own)
        assert keyring.active(tx, MASTERS, other).secret != key.secret
        with pytest.raises(Unopenable, match="does not have"):
            keyring.find(tx, MASTERS, other, key.id)
        # Nor does it become one by copying its row.
        stranger = keyring.active(tx, MASTERS, other)
        stolen = tx.scalar(sa.select(key_wraps.c.wrapped).where(key_wraps.c.key_id == key.id))
        tx.execute(sa.update(key_wraps).where(key_wraps.c.key_id == stranger.id).values(wrapped=stolen))
        with pytest.raises(Unopenable, match="was changed, or copied"):
            keyring.find(tx, MASTERS, other, stranger.id)

    embedded.run_now(work)


def test_a_key_without_its_master_key_names_it(embedded: Database) -> None:
    def work(tx: Transaction) -> None:
        own = sealed_samples.organization(tx, "contoso")
        key = keyring.active(tx, MASTERS, own)
        with pytest.raises(Unopenable, match=f"master key {MASTERS.newest}, which is not in"):
            keyring.find(tx, Masters(given(b"1" * 32)), own, key.id)
        assert keyring.not_wrapped(tx, MASTERS) == []

    embedded.run_now(work)


def test_what_is_sealed_in_a_transaction_that_fails_leaves_no_key(embedded: Database, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys", embedded)
    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))

    def work(tx: Transaction) -> None:
        vault.seal(own, "account-secret:1", "text")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        embedded.run_now(work)
    assert embedded.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(key_wraps))) == 0
    sealed = vault.seal(own, "account-secret:1", "text")
    assert vault.open(own, "account-secret:1", sealed) == "text"


def test_sealing_while_only_reading_makes_a_transaction_of_its_own(database: Database, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys", database)
    own = database.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))
    sealed = database.read_now(lambda tx: vault.seal(own, "account-secret:1", "text"))
    assert database.read_now(lambda tx: vault.open(own, "account-secret:1", sealed)) == "text"


def test_the_web_side_seals_for_the_organization_that_it_is_about_and_opens_nothing_of_another(
    database: Database, tmp_path: Path
) -> None:
    vault = Vault(tmp_path / "keys", database)
    own, other = (database.run_now(lambda tx: sealed_samples.organization(tx, clock.new_id())) for _ in range(2))
    theirs = vault.seal(other, "account-secret:1", "text")
    with scope.within(own):
        sealed = database.run_now(lambda tx: vault.seal(own, "account-secret:1", "text"))
        assert vault.open(own, "account-secret:1", sealed) == "text"
        if not database.sqlite:
            with pytest.raises(Unopenable):
                vault.open(other, "account-secret:1", theirs)
