from datetime import timedelta
from functools import partial
from typing import Literal

import pytest
from argon2 import PasswordHasher

from ringfence import clock
from ringfence.errors import Invalid, NotFound, NotSignedIn
from ringfence.organizations import service as organizations
from ringfence.security import auth
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.tables import sessions, sign_in_links

_HOUR = timedelta(hours=1)
_FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def user_id(database: Database) -> str:
    def work(tx: Transaction) -> str:
        return auth.ensure_user(tx, organizations.create(tx, "contoso").id, "megan.bowen")

    return database.run_now(work)


def test_a_user_is_made_once(database: Database, user_id: str) -> None:
    organization = database.read_now(lambda tx: organizations.by_name(tx, "contoso"))
    assert database.run_now(lambda tx: auth.ensure_user(tx, organization.id, " megan.bowen ")) == user_id


def test_a_name_belongs_to_one_organization(database: Database, user_id: str) -> None:
    def work(tx: Transaction) -> None:
        auth.ensure_user(tx, organizations.create(tx, "fabrikam").id, "megan.bowen")

    with pytest.raises(Invalid, match="another organization"):
        database.run_now(work)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_name_that_cannot_be_one_is_refused(database: Database, user_id: str, name: str) -> None:
    with pytest.raises(Invalid, match="1 to 200"):
        database.run_now(lambda tx: auth.ensure_user(tx, "any", name))


def test_a_link_signs_in_once(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: auth.create_link(tx, user_id, _HOUR))
    assert database.read_now(lambda tx: auth.link_user(tx, token)).name == "megan.bowen"
    session = database.run_now(lambda tx: auth.use_link(tx, token, _HOUR))
    found = database.read_now(lambda tx: auth.find_session(tx, session))
    assert found is not None
    assert found.user.id == user_id
    with pytest.raises(NotSignedIn, match="used already"):
        database.run_now(lambda tx: auth.use_link(tx, token, _HOUR))


def test_an_expired_or_unknown_link_signs_nobody_in(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: auth.create_link(tx, user_id, _HOUR))
    later = clock.timestamp() + 3601
    clock.replace(lambda: later)
    for given in (token, "unknown", "", "\ud800"):
        with pytest.raises(NotSignedIn, match="expired"):
            database.run_now(partial(auth.use_link, token=given, lifetime=_HOUR))


def test_a_link_needs_a_user(database: Database) -> None:
    with pytest.raises(NotFound):
        database.run_now(lambda tx: auth.create_link(tx, "nobody", _HOUR))


def test_tokens_are_stored_as_hashes_only(database: Database, user_id: str) -> None:
    link = database.run_now(lambda tx: auth.create_link(tx, user_id, _HOUR))
    session = database.run_now(lambda tx: auth.start_session(tx, user_id, _HOUR))

    def everything(tx: Transaction) -> str:
        return repr([*tx.all(sessions.select()), *tx.all(sign_in_links.select())])

    stored = database.read_now(everything)
    assert link not in stored
    assert session not in stored


def test_a_session_expires_and_is_cleared_away(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: auth.start_session(tx, user_id, _HOUR))
    later = clock.timestamp() + 3601
    clock.replace(lambda: later)
    assert database.read_now(lambda tx: auth.find_session(tx, token)) is None
    database.run_now(lambda tx: auth.start_session(tx, user_id, _HOUR))
    assert len(database.read_now(lambda tx: tx.all(sessions.select()))) == 1


def test_signing_out_ends_the_session_and_tells_live_streams(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: auth.start_session(tx, user_id, _HOUR))
    number = database.read_now(changes.latest)
    database.run_now(lambda tx: auth.end_session(tx, token))
    database.run_now(lambda tx: auth.end_session(tx, token))
    assert database.read_now(lambda tx: auth.find_session(tx, token)) is None
    told = database.read_now(lambda tx: changes.after(tx, number))
    assert [(change.noun, change.noun_id) for change in told] == [("session", user_id)]


def test_the_form_token_is_of_one_session(database: Database, user_id: str) -> None:
    first, second = (
        database.read_now(partial(auth.find_session, token=token))
        for token in [database.run_now(lambda tx: auth.start_session(tx, user_id, _HOUR)) for _ in range(2)]
    )
    assert first is not None
    assert second is not None
    assert auth.same_csrf(first, first.csrf)
    assert not auth.same_csrf(first, second.csrf)
    assert not auth.same_csrf(first, "é\ud800")


def test_a_password_signs_in_and_a_wrong_one_does_not(database: Database, user_id: str) -> None:
    passwords = auth.Passwords(_FAST)
    stored = passwords.hash("correct horse battery")
    database.run_now(lambda tx: auth.set_password(tx, user_id, stored))
    found = database.read_now(lambda tx: auth.find_password(tx, "megan.bowen"))
    assert found is not None
    assert passwords.matches(found[1], "correct horse battery")
    assert not passwords.matches(found[1], "correct horse batterY")
    assert not passwords.matches("not a hash", "correct horse battery")
    with pytest.raises(NotFound):
        database.run_now(lambda tx: auth.set_password(tx, "nobody", stored))


def test_who_has_no_password_cannot_sign_in_by_one(database: Database, user_id: str) -> None:
    found = database.read_now(lambda tx: auth.find_password(tx, "megan.bowen"))
    assert found is not None
    assert found[1] is None
    assert database.read_now(lambda tx: auth.find_password(tx, "nobody")) is None


def test_an_unknown_user_costs_as_many_hashes_as_a_known_one() -> None:
    calls: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            calls.append(str(hash))
            return super().verify(hash, password)

    passwords = auth.Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    stored = passwords.hash("correct horse battery")
    assert not passwords.matches(stored, "wrong")
    assert not passwords.matches(None, "wrong")
    assert len(calls) == 2


@pytest.mark.parametrize("password", ["short", "x" * 1001])
def test_a_password_has_a_reasonable_length(password: str) -> None:
    with pytest.raises(Invalid, match="12 to 1000"):
        auth.Passwords(_FAST).hash(password)


def test_guessing_is_slowed_down_and_the_wait_ends_by_itself() -> None:
    now = [1000.0]
    clock.replace(lambda: now[0])
    throttle = auth.Throttle(free=3, first=2.0, longest=5.0)
    for _ in range(2):
        throttle.failed("Megan")
        throttle.demand("Megan")
    throttle.failed(" megan ")
    with pytest.raises(NotSignedIn, match="too many") as refused:
        throttle.demand("MEGAN")
    assert "2 seconds" in refused.value.advice
    throttle.demand("alex")
    now[0] += 2.0
    throttle.demand("Megan")
    for _ in range(40):
        throttle.failed("Megan")
    now[0] += 4.5
    with pytest.raises(NotSignedIn, match="too many"):
        throttle.demand("Megan")
    now[0] += 0.5
    throttle.demand("Megan")
    throttle.succeeded("Megan")
    throttle.failed("Megan")
    throttle.demand("Megan")


def test_the_throttle_remembers_only_so_many_names() -> None:
    throttle = auth.Throttle(free=1, first=60.0, names=2)
    for name in ("a", "b", "c"):
        throttle.failed(name)
    throttle.demand("a")
    with pytest.raises(NotSignedIn):
        throttle.demand("c")
