from pathlib import Path

from bench import polling
from bench.stage import Ground, Postgres


def test_polls_are_counted_on_both_databases(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgresql") as server:
        found = polling.run(Ground(tmp_path, server), services=3, interval=1.0, rounds=1)
    assert [(row["database"], row["services"]) for row in found.rows] == [("SQLite", 3), ("PostgreSQL", 3)]
    for row in found.rows:
        assert set(row) == {column.key for column in found.columns}
        assert isinstance(row["polls"], int)
        assert isinstance(row["cpu_ms"], float)
        assert row["polls"] >= 1
        assert row["cpu_ms"] > 0
    assert [aim.limit for aim in found.aims] == [30, 0.1] * 2
