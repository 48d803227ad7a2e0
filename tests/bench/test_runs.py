from bench import runs
from bench.stage import Ground


def test_runs_are_counted_by_each_way_of_starting_them(embedded_ground: Ground) -> None:
    found = runs.run(embedded_ground, count=3, repeats=1)
    assert [row["way"] for row in found.rows] == [runs.TRIGGER, runs.INGESTING, runs.ENGINE]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
    assert all(isinstance(row["cpu_ms"], float) and row["runs"] == 3 for row in found.rows)
    assert [row["per_second"] is None for row in found.rows] == [False, True, False]
    assert [aim.limit for aim in found.aims] == [10, 10]
