import pytest

from bench import fanout
from bench.stage import Ground


def test_a_loop_is_carried_over_its_items(embedded_ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "_STEPS", {fanout.PARALLEL: fanout._STEPS[fanout.PARALLEL]})
    found = fanout.run(embedded_ground, items=3, repeats=1)
    assert [(row["way"], row["items"]) for row in found.rows] == [(fanout.PARALLEL, 3)]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
