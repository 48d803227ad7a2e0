import pytest

from ringfence.errors import Conflict, Invalid, Unavailable
from ringfence.views.selection import MOST, chosen, work_through


def test_what_is_selected_counts_once_and_has_a_measure() -> None:
    assert chosen(["b", "a", "b"], "alert") == ["b", "a"]
    for ids in ([], [str(number) for number in range(MOST + 1)]):
        with pytest.raises(Invalid, match=f"{len(ids)} alerts are selected"):
            chosen(ids, "alert")


async def test_what_is_refused_for_one_does_not_stop_the_others_and_what_is_away_is_asked_for_once() -> None:
    asked: list[str] = []

    async def act(each: str) -> None:
        asked.append(each)
        if each == "taken":
            raise Conflict("It is taken.")
        if each == "away":
            raise Unavailable("Microsoft does not answer.")

    outcomes = await work_through(["one", "taken", "two", "away", "three"], act)
    assert [each.problem and each.problem.message for each in outcomes] == [
        None,
        "It is taken.",
        None,
        "Microsoft does not answer.",
        "Microsoft does not answer.",
    ]
    assert asked == ["one", "taken", "two", "away"]
