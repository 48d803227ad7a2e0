from datetime import UTC, datetime, timedelta

import pytest

from acting import NOON, Scene
from ringfence.actions import ActionError, Duration, Json, Listing
from ringfence.connectors.defender.answers import hours, in_zone, listed, since, some_change


def test_a_list_that_was_cut_says_so_in_its_output_and_in_the_log() -> None:
    scene = Scene()
    assert listed(scene, Listing([1, 2], cut=False)) == {"items": [1, 2], "more": False}
    assert scene.said == []
    assert listed(scene, Listing([1, 2], cut=True)) == {"items": [1, 2], "more": True}
    assert scene.said == [("warn", "There are more than the 2 that this step gives.", {"kept": 2})]


def test_a_list_that_does_not_fit_into_an_output_is_cut_and_says_so() -> None:
    large: list[Json] = ["x" * 100_000] * 30
    answer = listed(Scene(), Listing(large, cut=False))
    assert isinstance(answer, dict)
    assert isinstance(answer["items"], list)
    assert 0 < len(answer["items"]) < 30
    assert answer["more"] is True


@pytest.mark.parametrize(("text", "expected"), [("1 h", 1), ("90 min", 1), ("30 d", 720)])
def test_how_far_to_look_back_is_counted_in_whole_hours(text: str, expected: int) -> None:
    assert hours(Duration.parse(text)) == expected
    assert hours(None) is None


@pytest.mark.parametrize("text", ["59 min", "31 d"])
def test_further_back_than_microsoft_keeps_is_refused(text: str) -> None:
    with pytest.raises(ActionError, match="cannot be looked back"):
        hours(Duration.parse(text))


def test_moments_have_a_zone_and_stretches_of_time_end_now() -> None:
    assert in_zone(NOON) == NOON
    with pytest.raises(ActionError, match="no time zone"):
        in_zone(datetime(2026, 1, 31, 12, 0))  # noqa: DTZ001
    assert since(Scene(), Duration.parse("2 h")) == datetime(2026, 1, 31, 12, 0, tzinfo=UTC) - timedelta(hours=2)
    assert since(Scene(), None) is None


def test_a_change_of_nothing_is_refused_with_what_could_be_changed() -> None:
    some_change({"a": None, "b": "x"}, "Give a or b.")
    with pytest.raises(ActionError) as raised:
        some_change({"a": None, "b": ""}, "Give a or b.")
    assert raised.value.advice == "Give a or b."
