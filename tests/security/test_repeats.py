"""The rows of idempotency keys, on both databases."""

from datetime import timedelta

import pytest

from ringfence import clock
from ringfence.errors import AnswerLost, InProgress, KeyReused
from ringfence.organizations import service as organizations
from ringfence.security import repeats
from ringfence.security.crypto import Vault
from ringfence.security.repeats import Answer, Claim
from ringfence.storage import Database
from ringfence.storage.tables import repeats as table

VAULT = Vault(bytes(32))
ANSWER = Answer(201, (("content-type", "application/json"),), b'{"secret": "whsec_told once"}')


def begin(database: Database, organization_id: str, fingerprint: str = "a" * 64) -> Claim | Answer:
    return database.run_now(lambda tx: repeats.begin(tx, VAULT, organization_id, "key", fingerprint))


def test_a_key_lives_for_a_day_and_its_answer_is_sealed(database: Database) -> None:
    organization = database.run_now(organizations.ensure_default).id
    claim = begin(database, organization)
    assert isinstance(claim, Claim)
    with pytest.raises(InProgress):
        begin(database, organization)
    with pytest.raises(KeyReused):
        begin(database, organization, "b" * 64)
    database.run_now(lambda tx: repeats.note(tx, claim))
    database.run_now(lambda tx: repeats.settle(tx, VAULT, claim, ANSWER))
    assert begin(database, organization) == ANSWER
    row = database.read_now(lambda tx: tx.one(table.select()))
    assert row is not None
    assert "whsec" not in row["sealed"]
    tomorrow = clock.timestamp() + timedelta(hours=24, seconds=1).total_seconds()
    clock.replace(lambda: tomorrow)
    assert isinstance(begin(database, organization, "b" * 64), Claim)


def test_an_answer_that_is_too_large_is_known_to_have_been_given(database: Database) -> None:
    organization = database.run_now(organizations.ensure_default).id
    claim = begin(database, organization)
    assert isinstance(claim, Claim)
    large = Answer(200, (), b"x" * (repeats.LARGEST + 1))
    database.run_now(lambda tx: repeats.settle(tx, VAULT, claim, large))
    with pytest.raises(AnswerLost):
        begin(database, organization)


def test_a_key_is_given_back_unless_something_was_done(database: Database) -> None:
    organization = database.run_now(organizations.ensure_default).id
    claim = begin(database, organization)
    assert isinstance(claim, Claim)
    database.run_now(lambda tx: repeats.give_up(tx, claim))
    second = begin(database, organization, "b" * 64)
    assert isinstance(second, Claim)
    database.run_now(lambda tx: repeats.note(tx, second))
    database.run_now(lambda tx: repeats.give_up(tx, second))
    with pytest.raises(AnswerLost):
        begin(database, organization, "b" * 64)
