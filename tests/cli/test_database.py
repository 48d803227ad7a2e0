from pathlib import Path

from cli_world import Ringfence
from databases import Postgres, plain
from ringfence.simulator import Simulator
from ringfence.storage import schema


def test_an_empty_folder_gets_its_tables_and_then_has_them_already(tmp_path: Path) -> None:
    ringfence = Ringfence(tmp_path / "new", Simulator.from_scenario("quiet"))
    assert ringfence.json("db", "upgrade") == {"before": None, "after": schema.newest()}
    said = ringfence("db", "upgrade").stdout
    assert said == f"The database is at revision {schema.newest()} already.\n"


def test_postgresql_is_upgraded_only_when_somebody_says_so(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_url(empty=True)
    try:
        ringfence = Ringfence(tmp_path, Simulator.from_scenario("quiet"), ("--database-url", plain(url)))
        error = ringfence.error("alert", "list")
        assert error["code"] == "misconfigured"
        assert "ringfence db upgrade" in error["advice"]
        assert f"was at revision none and is at {schema.newest()} now" in ringfence("db", "upgrade").stdout
        assert ringfence.json("alert", "list") == {"items": [], "next": None}
    finally:
        postgres.drop(url)


def test_an_address_of_another_kind_is_refused(ringfence: Ringfence) -> None:
    ringfence.options = ("--database-url", "mysql://contoso")
    assert ringfence.error("db", "upgrade")["code"] == "misconfigured"


def test_a_database_that_is_not_there_is_an_error_without_the_password(ringfence: Ringfence) -> None:
    ringfence.options = ("--database-url", "postgresql://adele:hunter2@127.0.0.1:1/contoso")
    done = ringfence("alert", "list", status=1)
    assert done.stdout == ""
    assert "refused" in done.stderr
    assert "hunter2" not in done.stderr
