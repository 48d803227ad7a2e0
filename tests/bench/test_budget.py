from pathlib import Path

from bench import budget
from bench.stage import Ground, Postgres


def test_calls_are_measured_without_a_budget_in_memory_and_on_both_databases(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgresql") as server:
        found = budget.run(Ground(tmp_path, server), calls=5, repeats=1)
    assert [row["budget"] for row in found.rows] == ["none", "memory", "SQLite", "PostgreSQL"]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
    assert found.rows[0]["times"] == 1
    assert [(aim.limit, aim.unit) for aim in found.aims] == [(5, "s")] * 2
