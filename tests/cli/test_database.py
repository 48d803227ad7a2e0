from pathlib import Path

from cli_world import Ringfence
from databases import Postgres, plain
from ringfence.simulator import Simulator
from ringfence.storage import schema
from ringfence.worker import sole_worker


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


def test_a_backup_is_taken_and_put_back(ringfence: Ringfence, tmp_path: Path) -> None:
    ringfence.secret = "an-api-key"
    ringfence("http-account", "add", "rep", "https://api.contoso.com/v1", "--kind", "bearer")
    folder = str(tmp_path / "backup")
    said = ringfence("db", "backup", folder)
    assert "kB, checked" in said.stdout
    assert "It holds no keys" in said.stderr
    ringfence("http-account", "remove", "rep")
    assert ringfence.error("db", "restore", folder)["message"] == "Nothing was changed."
    restored = ringfence.json("db", "restore", folder, "--yes")
    assert (restored["secrets"], restored["unreadable"]) == (1, 0)
    assert Path(restored["before"]).is_dir()
    assert len(ringfence.json("http-account", "list")["items"]) == 1
    assert ringfence.json("keys", "check")["sound"] is True


def test_a_backup_whose_secrets_the_keys_do_not_open_is_put_back_only_on_demand(
    ringfence: Ringfence, tmp_path: Path
) -> None:
    ringfence.secret = "an-api-key"
    ringfence("http-account", "add", "rep", "https://api.contoso.com/v1", "--kind", "bearer")
    folder = str(tmp_path / "backup")
    ringfence("db", "backup", folder)
    (ringfence.data / "master.key").write_text(ringfence("keys", "generate").stdout)
    assert "open 0 of the 1 secrets" in ringfence.error("db", "restore", folder, "--yes")["message"]
    assert ringfence.json("db", "restore", folder, "--yes", "--without-keys")["unreadable"] == 1


def test_a_backup_of_a_newer_release_is_refused(ringfence: Ringfence, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    ringfence("db", "backup", str(folder))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"{schema.newest()}"', '"9999"'))
    assert "of a newer release" in ringfence.error("db", "restore", str(folder), "--yes")["message"]


def test_nothing_is_put_back_under_a_worker(ringfence: Ringfence, tmp_path: Path) -> None:
    folder = str(tmp_path / "backup")
    ringfence("db", "backup", folder)
    with sole_worker(ringfence.data):
        assert "Another Ringfence works" in ringfence.error("db", "restore", folder, "--yes")["message"]


def test_for_postgresql_it_says_what_to_do_and_remembers_what_was_done(ringfence: Ringfence) -> None:
    assert "Say where" in ringfence.error("db", "backup")["message"]
    ringfence.options = ("--database-url", "postgresql://x/y")
    assert "pg_dump" in ringfence.error("db", "backup")["advice"]
    assert "pg_restore" in ringfence.error("db", "restore", "folder")["advice"]
    assert ringfence.json("db", "backup", "--noted") == {"noted": True}
