from bench import idle
from bench.stage import Ground


def test_serve_is_started_asked_and_watched(embedded_ground: Ground) -> None:
    found = idle.run(embedded_ground, seconds=0.2, repeats=1, settling=0.0)
    (row,) = found.rows
    assert set(row) == {column.key for column in found.columns}
    assert isinstance(row["healthz_s"], float)
    assert isinstance(row["sign_in_s"], float)
    assert 0 < row["healthz_s"] <= row["sign_in_s"]
    assert [(aim.limit, aim.unit) for aim in found.aims] == [(200, "MiB"), (3, "s")]
