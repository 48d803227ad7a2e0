from pathlib import Path

from bench import adaptive
from bench.stage import Ground
from ringfence import clock


def test_alerts_are_seen_in_time_for_the_share_of_the_budget_that_is_allowed(tmp_path: Path) -> None:
    found = adaptive.run(Ground(tmp_path, None), hours=0.5)
    assert [row["pattern"] for row in found.rows] == ["a quiet night", "a busy day", "storms"]
    for row in found.rows:
        assert set(row) == {column.key for column in found.columns}
        # Half an hour of a quiet night has three alerts, which is too few for a mean.
        assert isinstance(row["longest_wait"], float)
        assert 0 < row["longest_wait"] <= 20
    assert [aim.limit for aim in found.aims] == [5, 60.0] * 3
    # The measured time is not ours: whatever comes next has the real clock.
    assert clock.timestamp() > 1.7e9
