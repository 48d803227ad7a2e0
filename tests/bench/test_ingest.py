from pathlib import Path

from bench import ingest
from bench.stage import Ground, Postgres


def test_alerts_are_counted_on_both_databases(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgresql") as server:
        found = ingest.run(Ground(tmp_path, server), alerts=30, repeats=1)
    assert [(row["database"], row["source"], row["alerts"]) for row in found.rows] == [
        ("SQLite", "defender", 30),
        ("SQLite", "graph", 30),
        ("PostgreSQL", "defender", 30),
        ("PostgreSQL", "graph", 30),
    ]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
    for row in found.rows:
        assert isinstance(row["peak_mib"], float)
        assert isinstance(row["before_mib"], float)
        assert 0 < row["before_mib"] <= row["peak_mib"]
    assert [(aim.limit, aim.at_most) for aim in found.aims] == [(2000, False), (400, True)] * 4
