import pytest

from ringfence.containment.model import FINAL, HELD, TRANSITIONS, IllegalMove, State, demand_legal


def test_every_state_has_its_row_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    reached = {State.REQUESTED}
    while more := {after for before in reached for after in TRANSITIONS[before]} - reached:
        reached |= more
    assert reached == set(State)


def test_from_every_state_an_end_can_be_reached() -> None:
    ending = set(FINAL)
    while more := {state for state in State if TRANSITIONS[state] & ending} - ending:
        ending |= more
    assert ending == set(State)


def test_contained_is_reached_from_pending_only_and_released_from_releasing_only() -> None:
    def sources(state: State) -> set[State]:
        return {before for before, after in TRANSITIONS.items() if state in after}

    assert sources(State.CONTAINED) == {State.PENDING}
    assert sources(State.RELEASED) == {State.RELEASING}
    assert sources(State.PENDING) == {State.SUBMITTING, State.APPROVED}


def test_a_host_that_is_held_ends_only_as_released_or_as_somebody_elses() -> None:
    ends = {after for state in HELD for after in TRANSITIONS[state] if after in FINAL}
    assert ends == {State.RELEASED, State.SUPERSEDED}
    assert {after for state in HELD for after in TRANSITIONS[state]} - FINAL <= HELD


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_a_move_that_is_not_in_the_table_is_refused(before: State, after: State) -> None:
    if after in TRANSITIONS[before]:
        demand_legal(before, after)
    else:
        with pytest.raises(IllegalMove, match=f"is {before} cannot become {after}"):
            demand_legal(before, after)
