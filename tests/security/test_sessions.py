from datetime import timedelta
from functools import partial

import pytest

from ringfence import clock
from ringfence.organizations import service as organizations
from ringfence.security import links, people, sessions
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
