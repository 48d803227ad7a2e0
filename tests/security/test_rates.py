from datetime import timedelta

import sqlalchemy as sa

from ringfence.security.rates import spend
from ringfence.storage import Database
from ringfence.storage.tables import shared_rates
from run_world import Time


def test_all_take_from_one_bucket_which_fills_again_within_a_minute(database: Database) -> None:
    time = Time().start()

    def take(spent: int, key: str = "contoso") -> tuple[bool, float]:
        return database.run_now(lambda tx: spend(tx, "organization", key, spent, 60))

    assert take(20) == (True, 40)
    assert take(40) == (True, 0)
    # What is refused is not paid for; what was let through elsewhere meanwhile is.
    assert take(1) == (False, 0)
    assert take(6) == (False, -5)
    time.pass_by(10)
    assert take(1) == (True, 4)
    assert take(1, "fabrikam") == (True, 59)
    time.pass_by(-3_600)
    assert take(1) == (True, 3)
    time.pass_by(2 * 3_600)
    assert take(60) == (True, 0)


def test_no_more_is_owed_than_a_minute_gives_and_buckets_that_are_full_are_forgotten(database: Database) -> None:
    time = Time().start()
    database.run_now(lambda tx: spend(tx, "address", "a", 10_000, 60))
    time.pass_by(60)
    assert database.run_now(lambda tx: spend(tx, "address", "a", 1, 60)) == (True, 0)
    time.pass_by(timedelta(minutes=6).total_seconds())
    database.run_now(lambda tx: spend(tx, "address", "b", 1, 60))
    assert database.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(shared_rates))) == 1
