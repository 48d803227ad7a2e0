import pytest

from ringfence.responses.kinds import Kind
from ringfence.responses.model import FINAL, TRANSITIONS, IllegalMove, State, demand_legal, described, is_over


@pytest.mark.parametrize("before", list(State))
def test_only_the_moves_of_the_table_are_legal(before: State) -> None:
    for after in State:
        if after in TRANSITIONS[before]:
            demand_legal(before, after)
        else:
            with pytest.raises(IllegalMove):
                demand_legal(before, after)


def test_what_cannot_be_undone_is_over_when_it_is_done() -> None:
    assert is_over(Kind.QUARANTINE, State.DONE)
    assert not is_over(Kind.RESTRICT, State.DONE)
    assert all(is_over(kind, state) for kind in Kind for state in FINAL)


def test_indicators_are_told_in_a_few_words() -> None:
    many = [{"action": "Block", "indicator_value": f"203.0.113.{each}"} for each in range(5)]
    assert described(many) == "block 203.0.113.0, 203.0.113.1, 203.0.113.2 and 2 more"
