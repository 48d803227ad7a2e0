import pytest
from pydantic import ValidationError

from ringfence.simulator.strict import Spec


class _Colour(Spec):
    red: float = 0.0


def test_what_is_misspelled_or_endless_is_refused() -> None:
    assert _Colour.model_validate({"red": 1}).red == 1
    for wrong in ({"rad": 1}, {"red": float("inf")}):
        with pytest.raises(ValidationError):
            _Colour.model_validate(wrong)
