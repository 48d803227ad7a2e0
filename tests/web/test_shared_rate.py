import pytest
import sqlalchemy as sa

from ringfence.storage import Database
from ringfence.storage.tables import shared_rates
from ringfence.web.shared_rate import SharedRate
from run_world import Time


async def _through(rate: SharedRate, times: int) -> int:
    return [await rate.wait("contoso") for _ in range(times)].count(0)


async def test_several_processes_let_through_the_limit_and_at_most_a_tenth_of_it_each(database: Database) -> None:
    time = Time().start()
    processes = [SharedRate(database, "organization", 100) for _ in range(3)]
    through = 0
    for _ in range(200):
        for each in processes:
            through += await _through(each, 1)
    assert 100 <= through <= 130
    assert [await each.wait("contoso") > 0 for each in processes] == [True] * 3
    assert [each.left("contoso")[0] for each in processes] == [0] * 3
    # One that is started anew knows of the others as soon as it has let a tenth through.
    assert await _through(SharedRate(database, "organization", 100), 100) <= 10
    assert await SharedRate(database, "session", 100).wait("contoso") == 0
    time.pass_by(120)
    assert await _through(processes[0], 200) == 100


async def test_little_that_is_asked_writes_nothing_and_much_little(embedded: Database) -> None:
    Time().start()
    rate, writes = SharedRate(embedded, "session", 1_200), []

    @sa.event.listens_for(embedded.engine, "before_cursor_execute")
    def _(connection: object, cursor: object, statement: str, *more: object) -> None:
        writes.extend([statement] if statement.startswith("UPDATE") else [])

    assert await _through(rate, 119) == 119
    assert writes == []
    assert await _through(rate, 481) == 481
    assert len(writes) == 5


async def test_a_database_that_cannot_be_asked_leaves_each_process_to_its_own_count(
    embedded: Database, caplog: pytest.LogCaptureFixture
) -> None:
    Time().start()
    rate = SharedRate(embedded, "session", 10)
    with embedded.engine.begin() as connection:
        shared_rates.drop(connection)
    assert await _through(rate, 20) == 10


async def test_small_limits_are_exact_and_nobody_pays_for_what_is_refused(embedded: Database) -> None:
    time = Time().start()
    first, second = (SharedRate(embedded, "address", 2) for _ in range(2))
    assert [await each.wait("a") for each in (first, second, first, second)] == [0, 0, 30, 30]
    time.pass_by(30)
    assert [await each.wait("a") for each in (second, first)] == [0, 30]


async def test_only_so_many_keys_are_remembered(embedded: Database) -> None:
    rate = SharedRate(embedded, "address", 100, keys=2)
    for key in ("a", "b", "c"):
        assert await rate.wait(key) == 0
    assert rate.left("c")[0] == 99
