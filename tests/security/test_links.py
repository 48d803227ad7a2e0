from datetime import timedelta
from functools import partial

import pytest

from ringfence import clock
from ringfence.errors import NotFound, NotSignedIn
from ringfence.organizations import service as organizations
from ringfence.security import links, people
from ringfence.storage import Database, Transaction

_HOUR = timedelta(hours=1)


@pytest.fixture
def user_id(database: Database) -> str:
    def work(tx: Transaction) -> str:
        return people.ensure(tx, organizations.create(tx, "contoso").id, "megan.bowen")

    return database.run_now(work)


def test_a_link_signs_in_once(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: links.create(tx, user_id, _HOUR))
    assert database.read_now(lambda tx: links.look(tx, token)).name == "megan.bowen"
    assert database.run_now(lambda tx: links.use(tx, token)).id == user_id
    with pytest.raises(NotSignedIn, match="used already"):
        database.run_now(lambda tx: links.use(tx, token))


def test_an_expired_or_unknown_link_signs_nobody_in(database: Database, user_id: str) -> None:
    token = database.run_now(lambda tx: links.create(tx, user_id, _HOUR))
    later = clock.timestamp() + 3601
    clock.replace(lambda: later)
    for given in (token, "unknown", "", "\ud800"):
        with pytest.raises(NotSignedIn, match="expired"):
            database.run_now(partial(links.use, token=given))


def test_a_link_needs_a_user(database: Database) -> None:
    with pytest.raises(NotFound):
        database.run_now(lambda tx: links.create(tx, "nobody", _HOUR))
