import pytest

from ringfence.containment.policy import Responses
from ringfence.responses.kinds import TRAITS, Kind


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_says_how_it_is_taken_back_and_has_its_lines_of_policy(kind: Kind) -> None:
    traits = TRAITS[kind]
    assert {traits.guard, traits.limit} <= set(Responses.model_fields)
    assert traits.undo.startswith("Undo:" if traits.undoable else ("No undo:", "Nothing to undo:"))
    assert bool(traits.undo_operation) is traits.undoable
