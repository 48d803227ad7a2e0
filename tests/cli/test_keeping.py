from datetime import timedelta

import pytest

from ringfence.cli.keeping import kept
from ringfence.errors import Invalid


def test_a_span_of_time_is_read_and_what_is_none_is_refused() -> None:
    assert (kept("24 h"), kept(" 0 ")) == (timedelta(hours=24), timedelta(0))
    with pytest.raises(Invalid):
        kept("a while")
