from datetime import timedelta
from functools import partial

import pytest

from ringfence import clock
from ringfence.errors import NotFound
from ringfence.organizations import service as organizations
from ringfence.security import links, people, sessions
from ringfence.security.sessions import Visitor
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.tables import sessions as sessions_table
from ringfence.storage.tables import sign_in_links

_HOUR = timedelta(hours=1)


@pytest.fixture
def user_id(database: Database) -> str:
    def work(tx: Transaction) -> str:
        return people.ensure(tx, organizations.create(tx, "contoso").id, "megan.bowen")

    return database.run_now(work)


def test_tokens_are_stored_as_hashes_only(database: Database, user_id: str) -> None:
    link = database.run_now(lambda tx: links.create(tx, user_id, _HOUR))
    session = database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR))

    def everything(tx: Transaction) -> str:
        return repr([*tx.all(sessions_table.select()), *tx.all(sign_in_links.select())])

    stored = database.read_now(everything)
    assert link not in stored
    assert session not in stored


def test_a_session_expires_and_is_cleared_away(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR))
    later = clock.timestamp() + 3601
    clock.replace(lambda: later)
    assert database.read_now(lambda tx: sessions.find(tx, token)) is None
    database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR))
    assert len(database.read_now(lambda tx: tx.all(sessions_table.select()))) == 1


def test_signing_out_ends_the_session_and_tells_live_streams(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR))
    number = database.read_now(changes.latest)
    database.run_now(lambda tx: sessions.end(tx, token))
    database.run_now(lambda tx: sessions.end(tx, token))
    assert database.read_now(lambda tx: sessions.find(tx, token)) is None
    told = database.read_now(lambda tx: changes.after(tx, number))
    assert [(change.noun, change.noun_id) for change in told] == [("session", user_id)]


def test_the_form_token_is_of_one_session(database: Database, user_id: str) -> None:
    first, second = (
        database.read_now(partial(sessions.find, token=token))
        for token in [database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR)) for _ in range(2)]
    )
    assert first is not None
    assert second is not None
    assert sessions.same_csrf(first, first.csrf)
    assert not sessions.same_csrf(first, second.csrf)
    assert not sessions.same_csrf(first, "é\ud800")


def test_a_session_that_nobody_uses_ends_before_its_hour(database: Database, user_id: str) -> None:
    start = clock.timestamp()
    idle = timedelta(minutes=10)
    token = database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR, idle=idle))
    for minutes in (9, 18):
        clock.replace(lambda: start + minutes * 60)  # noqa: B023
        found = database.read_now(lambda tx: sessions.find(tx, token))
        assert found is not None
        assert found.stale
        database.run_now(lambda tx: sessions.touch(tx, token))
    clock.replace(lambda: start + 28 * 60 + 1)
    assert database.read_now(lambda tx: sessions.find(tx, token)) is None
    database.run_now(lambda tx: sessions.touch(tx, token))
    assert database.read_now(lambda tx: sessions.find(tx, token)) is None


def test_a_session_is_used_no_longer_than_its_hour(database: Database, user_id: str) -> None:
    start = clock.timestamp()
    token = database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR, idle=timedelta(minutes=50)))
    clock.replace(lambda: start + 3000 - 1)
    database.run_now(lambda tx: sessions.touch(tx, token))
    clock.replace(lambda: start + 3601)
    assert database.read_now(lambda tx: sessions.find(tx, token)) is None


def test_a_renewed_session_is_known_by_the_new_token_only(database: Database, user_id: str) -> None:
    visitor = Visitor("198.51.100.7", "Firefox/140 \x00" + "x" * 400)
    token = database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR, how="link", visitor=visitor))
    before = database.read_now(lambda tx: sessions.find(tx, token))
    now = clock.timestamp()
    clock.replace(lambda: now + 60)
    fresh = database.run_now(lambda tx: sessions.renew(tx, token, proven=True)) or ""
    after = database.read_now(lambda tx: sessions.find(tx, fresh))
    assert before is not None
    assert after is not None
    assert (after.how, after.address, len(after.agent)) == ("link", "198.51.100.7", 300)
    assert after.csrf != before.csrf
    assert after.authenticated_at != before.authenticated_at
    assert after.expires_at == before.expires_at
    assert database.run_now(lambda tx: sessions.renew(tx, token)) is None
    assert database.read_now(lambda tx: sessions.find(tx, token)) is None


def test_sessions_are_listed_and_revoked_one_by_one_and_all_at_once(database: Database, user_id: str) -> None:
    tokens = [database.run_now(lambda tx: sessions.start(tx, user_id, _HOUR)) for _ in range(4)]
    mine, second, *_ = [
        found.id for token in tokens if (found := database.read_now(partial(sessions.find, token=token)))
    ]
    number = database.read_now(changes.latest)
    assert len(database.read_now(lambda tx: sessions.of_user(tx, user_id))) == 4
    database.run_now(lambda tx: sessions.revoke(tx, user_id, second))
    with pytest.raises(NotFound):
        database.run_now(lambda tx: sessions.revoke(tx, user_id, second))
    with pytest.raises(NotFound):
        database.run_now(lambda tx: sessions.revoke(tx, "somebody else", mine))
    assert database.run_now(lambda tx: sessions.revoke_all(tx, user_id, but=mine)) == 2
    assert database.run_now(lambda tx: sessions.revoke_all(tx, user_id, but=mine)) == 0
    assert [each.id for each in database.read_now(lambda tx: sessions.of_user(tx, user_id))] == [mine]
    told = database.read_now(lambda tx: changes.after(tx, number))
    assert [each.noun for each in told] == ["session"] * 3
