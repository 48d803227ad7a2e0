from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.playbooks import rounds


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 20)) | st.tuples(st.just(False), st.integers(1, 1_000)), max_size=5
    )
)
@settings(max_examples=50, deadline=None)
def test_a_round_is_one_number_that_tells_all_levels_apart_and_is_written_and_read(
    path: list[tuple[bool, int]],
) -> None:
    iteration = 0
    levels = []
    for is_try, number in path:
        outer = iteration
        iteration = rounds.of_try(outer, number) if is_try else rounds.of_item(outer, number)
        assert (rounds.outer_of(iteration), rounds.is_try(iteration), rounds.number_of(iteration)) == (
            outer,
            is_try,
            number,
        )
        levels.append(iteration)
    assert rounds.path_of(iteration) == tuple(levels)
    assert rounds.depth_of(iteration) == len(path)
    assert iteration <= rounds.LARGEST < 2**53
    if path:
        assert rounds.read(rounds.said(iteration)) == iteration
    else:
        assert (rounds.said(iteration), rounds.in_brackets(iteration)) == ("", "")


def test_rounds_read_well_and_what_is_none_is_not_taken_for_one() -> None:
    second = rounds.of_item(rounds.of_try(rounds.of_item(0, 3), 2), 5)
    assert rounds.in_brackets(second) == "[3, try 2, 5]"
    assert rounds.read("7") == 7
    for text in ("", "0", "1001", "try 21", "1,,2", "one", "1, 1, 1, 1, 1, 1", "-1", "1.5"):
        assert rounds.read(text) is None, text
