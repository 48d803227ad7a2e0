import pytest

from ringfence import clock
from ringfence.errors import NotSignedIn
from ringfence.organizations import first, members
from ringfence.security import passwords
from ringfence.storage import Database


def test_the_first_administrator_comes_by_a_link_and_nobody_after_them(database: Database) -> None:
    void = database.run_now(first.offer)
    token = database.run_now(first.offer)
    assert void
    assert token
    with pytest.raises(NotSignedIn):
        database.read_now(lambda tx: first.look(tx, void))
    user = database.run_now(lambda tx: first.take(tx, token, "megan", "a hash"))
    assert database.read_now(members.administrators) == ["megan"]
    assert database.read_now(lambda tx: passwords.of_user(tx, user.id)) == "a hash"
    with pytest.raises(NotSignedIn, match="already"):
        database.run_now(lambda tx: first.take(tx, token, "mallory", "a hash"))
    assert database.run_now(first.offer) is None


def test_the_link_ends_by_itself(database: Database) -> None:
    token = database.run_now(first.offer) or ""
    now = clock.timestamp() + 3601
    clock.replace(lambda: now)
    with pytest.raises(NotSignedIn, match="too long"):
        database.read_now(lambda tx: first.look(tx, token))
