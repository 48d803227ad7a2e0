from collections.abc import Callable

import pytest

from ringfence import clock
from ringfence.security import throttle
from ringfence.security.throttle import Attempt, TooMany
from ringfence.storage import Database

Now = Callable[[float], None]


@pytest.fixture
def later() -> Now:
    now = [1_700_000_000.0]
    clock.replace(lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def _fail(database: Database, attempt: Attempt) -> int:
    return database.run_now(lambda tx: throttle.begin(tx, attempt))


def test_guessing_is_slowed_down_and_the_wait_ends_by_itself(database: Database, later: Now) -> None:
    for given in ("Megan", " megan ", "MEGAN", "megan", "megan"):
        _fail(database, Attempt(given, "198.51.100.7"))
    with pytest.raises(TooMany, match="for this name") as refused:
        _fail(database, Attempt("megan", "203.0.113.9"))
    assert refused.value.seconds == 1
    _fail(database, Attempt("alex", "198.51.100.7"))
    waits = []
    for _ in range(5):
        later(refused.value.seconds)
        count = _fail(database, Attempt("megan", "203.0.113.9"))
        with pytest.raises(TooMany) as refused:
            _fail(database, Attempt("megan", "203.0.113.9"))
        waits.append(refused.value.seconds)
    assert waits == [2, 4, 8, 16, 900]
    assert count == 10
    assert throttle.locks(count)
    assert "15 minutes" in refused.value.advice
    later(900)
    database.run_now(lambda tx: throttle.succeeded(tx, Attempt("megan", "203.0.113.9")))
    assert _fail(database, Attempt("megan", "203.0.113.9")) == 1


def test_strangers_cannot_keep_a_person_out_of_the_browser_that_is_known(embedded: Database, later: Now) -> None:
    for _ in range(10):
        _fail(embedded, Attempt("megan", "198.51.100.7"))
        later(20)
    with pytest.raises(TooMany):
        _fail(embedded, Attempt("megan", "203.0.113.9"))
    assert _fail(embedded, Attempt("megan", "203.0.113.9", browser="b1")) == 1


def test_an_address_that_tries_many_names_has_to_wait(embedded: Database, later: Now) -> None:
    for number in range(50):
        _fail(embedded, Attempt(f"person{number}", f"2001:db8::{number:x}"))
    with pytest.raises(TooMany, match="from this address"):
        _fail(embedded, Attempt("another", "2001:db8::ffff"))
    _fail(embedded, Attempt("another", "2001:db8:0:1::1"))
    later(3601)
    _fail(embedded, Attempt("another", "2001:db8::ffff"))


def test_an_account_of_ones_own_does_not_pay_for_trying_others(embedded: Database, later: Now) -> None:
    for number in range(49):
        _fail(embedded, Attempt(f"person{number}", "198.51.100.7"))
    own = Attempt("mallory", "198.51.100.7")
    _fail(embedded, own)
    later(2)
    embedded.run_now(lambda tx: throttle.succeeded(tx, own))
    _fail(embedded, Attempt("person1", "198.51.100.7"))
    with pytest.raises(TooMany):
        _fail(embedded, Attempt("person2", "198.51.100.7"))


def test_failures_are_forgotten_after_a_day(embedded: Database, later: Now) -> None:
    for _ in range(4):
        _fail(embedded, Attempt("megan"))
    later(86_401)
    assert _fail(embedded, Attempt("megan")) == 1


def test_an_administrator_frees_a_name(embedded: Database, later: Now) -> None:
    for _ in range(5):
        _fail(embedded, Attempt("megan", "198.51.100.7"))
    assert embedded.run_now(lambda tx: throttle.free(tx, "Megan"))
    assert not embedded.run_now(lambda tx: throttle.free(tx, "Megan"))
    assert _fail(embedded, Attempt("megan", "198.51.100.7")) == 1


def test_what_is_no_address_is_counted_as_it_is(embedded: Database, later: Now) -> None:
    assert _fail(embedded, Attempt("megan", "unknown")) == 1
    assert _fail(embedded, Attempt("", "fe80::1%eth0\ud800")) == 1
