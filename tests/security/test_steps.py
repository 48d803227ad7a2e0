import pytest

from ringfence import clock
from ringfence.errors import NotSignedIn
from ringfence.security import steps
from ringfence.security.steps import Kind
from ringfence.storage import Database


def test_a_step_is_used_once_by_who_holds_it(database: Database) -> None:
    token = database.run_now(lambda tx: steps.begin(tx, Kind.PROVIDER, {"state": "x"}))
    assert database.read_now(lambda tx: steps.look(tx, Kind.PROVIDER, token)).facts == {"state": "x"}
    with pytest.raises(NotSignedIn):
        database.run_now(lambda tx: steps.finish(tx, Kind.CODE, token))
    assert database.run_now(lambda tx: steps.finish(tx, Kind.PROVIDER, token)).user_id is None
    for given in (token, "", "\ud800"):
        with pytest.raises(NotSignedIn, match="Begin again"):
            database.run_now(lambda tx, given=given: steps.finish(tx, Kind.PROVIDER, given))  # type: ignore[misc]


def test_a_step_ends_by_itself_and_after_too_many_tries(embedded: Database) -> None:
    token = embedded.run_now(lambda tx: steps.begin(tx, Kind.CODE, {}))
    for _ in range(steps.TRIES):
        embedded.read_now(lambda tx: steps.look(tx, Kind.CODE, token))
        embedded.run_now(lambda tx: steps.tried(tx, token))
    with pytest.raises(NotSignedIn):
        embedded.read_now(lambda tx: steps.look(tx, Kind.CODE, token))
    other = embedded.run_now(lambda tx: steps.begin(tx, Kind.CODE, {}))
    later = clock.timestamp() + 601
    clock.replace(lambda: later)
    with pytest.raises(NotSignedIn):
        embedded.read_now(lambda tx: steps.look(tx, Kind.CODE, other))


def test_all_steps_of_a_kind_are_let_go_together(embedded: Database) -> None:
    first = embedded.run_now(lambda tx: steps.begin(tx, Kind.FIRST, {}))
    code = embedded.run_now(lambda tx: steps.begin(tx, Kind.CODE, {}))
    embedded.run_now(lambda tx: steps.drop(tx, Kind.FIRST))
    embedded.read_now(lambda tx: steps.look(tx, Kind.CODE, code))
    with pytest.raises(NotSignedIn):
        embedded.read_now(lambda tx: steps.look(tx, Kind.FIRST, first))
