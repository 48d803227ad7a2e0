from bench import backtest
from bench.stage import Ground


def test_alerts_are_gone_over_by_a_playbook_that_matches_none_and_one_that_matches_all(embedded_ground: Ground) -> None:
    found = backtest.run(embedded_ground, alerts=3, repeats=1)
    assert [(row["matches"], row["started"]) for row in found.rows] == [("none", 0), ("all", 3)]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
    assert [(aim.limit, aim.at_most) for aim in found.aims] == [(500, False)] * 2
