from typing import Any

import pytest

from ringfence.playbooks.bounded import MAX_NESTING, NotJson, TooMuch, copied, plain


def test_plain_refuses_what_is_not_json_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"The value holds something that is not JSON \(set\)"):
        plain({"a": {1}})
    with pytest.raises(ValueError, match="larger than"):
        plain("x" * 2_000_000)


def test_a_copy_shares_nothing_with_its_original() -> None:
    value: dict[str, Any] = {"a": [1, {"b": None}], "c": "x", "d": 1.5, "e": True}
    copy = copied(value)
    assert copy == value
    value["a"][1]["b"] = 5
    assert copy == {"a": [1, {"b": None}], "c": "x", "d": 1.5, "e": True}


def test_tuples_become_lists() -> None:
    assert copied({"a": (1, 2)}) == {"a": [1, 2]}


@pytest.mark.parametrize(
    "value", [b"x", {1: 2}, {None: 2}, object(), {"a": {1}}, float("inf"), float("nan"), 1 << 65, -(1 << 70)]
)
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(NotJson):
        copied(value)


def test_depth_is_bounded() -> None:
    value: Any = None
    for _ in range(MAX_NESTING):
        value = [value]
    assert copied(value) == value
    with pytest.raises(NotJson, match="too deeply"):
        copied([value])


def test_size_is_bounded_also_where_parts_are_shared() -> None:
    value: Any = "x"
    for _ in range(40):
        value = [value, value]
    with pytest.raises(TooMuch):
        copied(value)
