import pytest

from bench import latency
from bench.stage import Ground


def test_each_alert_is_followed_to_its_isolate_request_and_our_own_share_is_told_apart(embedded_ground: Ground) -> None:
    found = latency.run(embedded_ground, alone=2, burst=2, repeats=1)
    assert [(row["database"], row["case"], row["alerts"]) for row in found.rows] == [
        ("SQLite", "alone", 2),
        ("SQLite", "burst", 2),
    ]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
    alone, burst = found.rows
    for row in found.rows:
        assert all(isinstance(row[f"p{each}_ms"], float) for each in (50, 95, 99))
    assert isinstance(alone["own_p99_ms"], float)
    assert isinstance(alone["p99_ms"], float)
    assert 0 < alone["own_p99_ms"] < alone["p99_ms"]
    assert burst["own_p50_ms"] is None
    assert isinstance(burst["cpu_ms"], float)
    assert alone["cpu_ms"] is None


@pytest.mark.parametrize(("percent", "expected"), [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_a_value_that_occurred(percent: float, expected: float) -> None:
    assert latency.percentile([float(each) for each in range(100, 0, -1)], percent) == expected


def test_the_only_value_is_every_percentile() -> None:
    assert latency.percentile([7.0], 50) == latency.percentile([7.0], 99) == 7.0
