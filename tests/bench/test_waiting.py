from bench import waiting
from bench.stage import Ground


def test_runs_are_parked_and_what_they_cost_is_told(embedded_ground: Ground) -> None:
    found = waiting.run(embedded_ground, count=3, seconds=0.01, repeats=1, settling=0.0)
    (row,) = found.rows
    assert set(row) == {column.key for column in found.columns}
    assert row["runs"] == 3
    assert [aim.limit for aim in found.aims] == [4, 1]
