from datetime import timedelta

import pytest
from pydantic import ValidationError

from ringfence.api.rotation import Rotation


def test_old_secrets_count_for_a_day_unless_it_is_said_otherwise_and_for_no_more_than_a_month() -> None:
    assert Rotation().keep == timedelta(days=1)
    assert Rotation(keep_seconds=0).keep == timedelta(0)
    for wrong in (-1, 2_592_001, float("nan")):
        with pytest.raises(ValidationError):
            Rotation(keep_seconds=wrong)
