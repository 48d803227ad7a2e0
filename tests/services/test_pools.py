from datetime import timedelta

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Invalid
from ringfence.services import pools
from ringfence.storage import Database
from ringfence.storage.tables import workers
from service_samples import a_service


def test_a_pool_is_served_while_a_worker_of_it_gives_signs_of_life(database: Database) -> None:
    now = clock.now()
    for name, age, served in (("a", 1, ["default", "europe"]), ("b", 3600, ["asia"])):
        row = {"id": name, "host": name, "started_at": now, "pools": served}
        beat = {"heartbeat_at": now - timedelta(seconds=age)}
        database.run_now(lambda tx: tx.execute(sa.insert(workers), [row | beat]))  # noqa: B023
    living = database.read_now(lambda tx: pools.living(tx, 60.0))
    assert living == {"default", "europe"}
    assert pools.unserved(a_service(pool="europe"), living) == ""
    said = pools.unserved(a_service(pool="asia"), living)
    assert "No living worker serves the pool asia" in said
    assert "RINGFENCE_POOLS=asia" in said
    assert pools.unserved(a_service(pool="asia", enabled=False), living) == ""


def test_the_name_of_a_pool_is_a_word() -> None:
    assert pools.name(" tc-job.1 ") == "tc-job.1"
    for wrong in ("", "two words", "a,b", "-x", "x" * 51):
        with pytest.raises(Invalid):
            pools.name(wrong)
