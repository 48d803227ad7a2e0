import pytest

from ringfence.playbooks.bounded import MAX_RESULT
from ringfence.playbooks.loops import MAX_ITEMS, ItemEnd, UnusableList, gathered, items_of
from ringfence.playbooks.model import Json

DOCUMENT = {"trigger": {"hosts": ["fin-ws-014"], "none": None, "text": "x", "many": list(range(MAX_ITEMS + 1))}}


@pytest.mark.parametrize(
    ("values", "items"),
    [
        ("${trigger.hosts}", ["fin-ws-014"]),
        (["a", "${trigger.text}"], ["a", "x"]),
        ([], []),
        ("${trigger.many[:1]}", [0]),
    ],
)
def test_a_list_is_looked_up_once_with_what_stands_in_it(values: Json, items: list[Json]) -> None:
    assert items_of(values, DOCUMENT) == items


@pytest.mark.parametrize(
    ("values", "said"),
    [("${trigger.none}", "null"), ("${trigger.text}", "of type text"), ("${trigger.many}", "1001 items")],
)
def test_what_is_no_list_or_too_long_is_refused_with_what_to_do(values: Json, said: str) -> None:
    with pytest.raises(UnusableList, match=said) as refused:
        items_of(values, DOCUMENT)
    assert refused.value.advice


def test_results_are_put_together_in_order_and_failures_are_named() -> None:
    whole = gathered("scan", ("note",), [ItemEnd({"scan": 1, "note": "a"}), ItemEnd({"scan": 2})])
    assert (whole.outcome, whole.error) == ("done", "")
    assert whole.output == {"count": 2, "results": [1, 2], "failed": []}
    assert whole.outputs == {"note": ["a", None]}
    ends = [ItemEnd({"scan": 1}), *(ItemEnd({}, f"No {number}.") for number in range(4))]
    broken = gathered("scan", (), ends)
    assert broken.outcome is None
    assert broken.error == "4 of 5 items failed. scan[2]: No 0. scan[3]: No 1. scan[4]: No 2. (and 1 more)"


def test_a_reason_that_holds_for_several_items_is_said_once() -> None:
    ends = [ItemEnd({}, "Busy."), ItemEnd({}, "Never."), ItemEnd({}, "Busy."), ItemEnd({})]
    assert gathered("scan", (), ends).error == "3 of 4 items failed. scan[1] and scan[3]: Busy. scan[2]: Never."
    assert gathered("scan", (), ends[:1] * 9).error == "9 of 9 items failed. scan[1], scan[2] and 7 more: Busy."


def test_results_that_are_too_large_together_fail_the_loop_and_say_where_they_are() -> None:
    end = gathered("scan", (), [ItemEnd({"scan": "x" * (MAX_RESULT // 2 + 10)})] * 2)
    assert end.outcome is None
    assert "each item has its own" in end.error
    assert end.output == {"count": 2, "results": None, "failed": []}
