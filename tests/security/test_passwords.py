from typing import Literal

import pytest
from argon2 import PasswordHasher

from ringfence.audit import log
from ringfence.errors import Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.security import passwords, people
from ringfence.security.passwords import Passwords
from ringfence.storage import Database, Transaction, changes

_FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def user_id(database: Database) -> str:
    def work(tx: Transaction) -> str:
        return people.ensure(tx, organizations.create(tx, "contoso").id, "megan.bowen")

    return database.run_now(work)


def test_a_password_signs_in_and_a_wrong_one_does_not(database: Database, user_id: str) -> None:
    hashes = Passwords(_FAST)
    stored = hashes.hash("correct horse battery")
    database.run_now(lambda tx: passwords.store(tx, user_id, stored))
    found = database.read_now(lambda tx: passwords.find(tx, "megan.bowen"))
    assert found is not None
    assert hashes.matches(found[1], "correct horse battery")
    assert not hashes.matches(found[1], "correct horse batterY")
    assert not hashes.matches("not a hash", "correct horse battery")
    with pytest.raises(NotFound):
        database.run_now(lambda tx: passwords.store(tx, "nobody", stored))


def test_who_has_no_password_cannot_sign_in_by_one(database: Database, user_id: str) -> None:
    found = database.read_now(lambda tx: passwords.find(tx, "megan.bowen"))
    assert found is not None
    assert found[1] is None
    assert database.read_now(lambda tx: passwords.find(tx, "nobody")) is None


def test_an_unknown_user_costs_as_many_hashes_as_a_known_one() -> None:
    calls: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            calls.append(str(hash))
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    stored = passwords.hash("correct horse battery")
    assert not passwords.matches(stored, "wrong")
    assert not passwords.matches(None, "wrong")
    assert len(calls) == 2


def test_an_old_hash_is_made_anew_whatever_the_rules_are_by_then() -> None:
    weak, strong = Passwords(_FAST), Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    stored = weak.hash("correct horse battery")
    assert not weak.outdated(stored)
    assert strong.outdated(stored)
    assert strong.matches(strong.hash_again("short"), "short")


def test_a_password_has_a_reasonable_length() -> None:
    with pytest.raises(Invalid, match="20 to 1000"):
        Passwords(_FAST, shortest=20).hash("wq8!Lz0pR#v2Kd9x")


def test_a_refusal_is_written_down_and_a_locked_name_told(database: Database, user_id: str) -> None:
    user = database.read_now(lambda tx: people.get(tx, user_id))
    number = database.read_now(changes.latest)
    database.run_now(lambda tx: passwords.refused(tx, user, "198.51.100.7"))
    assert not database.read_now(lambda tx: changes.after(tx, number))
    database.run_now(lambda tx: passwords.refused(tx, user, "198.51.100.7", locked=True))
    told = database.read_now(lambda tx: changes.after(tx, number))
    assert [(each.noun, each.noun_id, each.kind) for each in told] == [("user", user_id, "locked")]
    entries = database.read_now(lambda tx: log.listing(tx, user.organization_id, event="sign_in")).entries
    assert [each.event for each in entries] == ["sign_in:locked", "sign_in:failed", "sign_in:failed"]
    assert {each.actor for each in entries} == {"somebody"}
    assert entries[0].facts["address"] == "198.51.100.7"
