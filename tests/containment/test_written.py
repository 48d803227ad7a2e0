"""A layer of policy as YAML: what is written is read back alike, whatever it holds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.containment import written
from ringfence.containment.layers import check
from ringfence.containment.policy import Policy
from ringfence.errors import Invalid

TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20), max_size=4)
LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "frozen": st.booleans(),
        "mode": st.sampled_from(["none", "tagged", "any"]),
        "protected_tags": TEXTS,
        "unseen_for": st.sampled_from(["7 d", "500 ms", "1.5 h"]),
        "max_per_hour": st.integers(0, 1000),
        "max_share_of_fleet": st.none() | st.floats(0.01, 1),
        "approvals": st.fixed_dictionaries(
            {"count": st.integers(1, 5)}, optional={"approvers": TEXTS, "on_silence": st.just("escalate")}
        ),
        "locked": st.lists(st.sampled_from(["mode", "approvals.count"]), max_size=2),
    },
)


@given(LAYERS, st.booleans())
def test_what_is_written_is_read_back_alike(document: dict[str, Any], guide: bool) -> None:
    check(document)
    assert written.read(written.write(document, guide=guide)) == document


def test_the_guide_names_every_field_and_says_nothing() -> None:
    text = written.write({}, guide=True)
    assert written.read(text) == {}
    for name, field in Policy.model_fields.items():
        assert f"{name}:" in text
        if field.description:
            assert field.description in text


def test_a_line_of_the_guide_counts_once_it_is_no_comment() -> None:
    text = written.write({}, guide=True)
    assert written.read(text.replace("# approvals:", "approvals:").replace("  # count: 1", "  count: 3")) == {
        "approvals": {"count": 3}
    }
    assert written.read(text.replace("# approvals:", "approvals:")) == {"approvals": {}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: [", "line "),
        ("- mode", "not a policy"),
        ("mode: any\nmode: none\n", "line 2, column 1"),
        ("mode: &x any", "anchor"),
        ("a: " * 5, "line 1"),
        ("x" * 2_000_000, "larger than 1 MiB"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Invalid) as raised:
        written.read(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "no limit"), (True, "yes"), (False, "no"), ([], "none"), (["a", 1], "a, 1"), (0.05, "0.05")],
)
def test_values_are_shown_in_words(value: Any, said: str) -> None:
    assert written.shown(value) == said
