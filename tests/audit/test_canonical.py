import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.audit.acting import Via
from ringfence.audit.canonical import canonical, plain

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_the_example_of_the_standard_is_written_as_it_says() -> None:
    # RFC 8785, 3.2.3: the order of property names.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical(dict.fromkeys(names, 0))
    assert list(json.loads(written)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert canonical({"b": [1, True, None], "a": '<script>"\n'}) == '{"a":"<script>\\"\\n","b":[1,true,null]}'


@given(ANYTHING)
def test_whatever_is_made_plain_is_read_back_as_the_same(value: Any) -> None:
    made = plain(value)
    written = canonical(made)
    assert json.loads(written) == made
    assert canonical(json.loads(written)) == written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "2026-07-01T12:00:00.000Z"),
        (Via.PAGE, "page"),
        (2.0, 2),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        (2**60, "1152921504606846976"),
        ("a\x00b\ud800", "a\ufffdb?"),
        (("a", {"b"}), ["a", ["b"]]),
        ({1: 2}, {"1": 2}),
    ],
)
def test_what_json_has_no_form_for_becomes_text(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_what_is_too_long_too_many_or_too_deep_is_cut_and_says_so() -> None:
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    assert plain("a" * 5_000).endswith("… (cut)")
    assert len(plain(list(range(1_000)))) == 500
    assert "… (cut)" in canonical(plain(deep))
