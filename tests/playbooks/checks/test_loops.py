import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.loops import MAX_ITEMS

LOOP = "loop: {SET, for_each: '${trigger.hosts}'}"


def _found(*steps: str) -> list[tuple[str, str | None, str | None]]:
    full = [step.replace("SET", "action: logic.set, with: {values: {}}") for step in steps]
    return [(found.code, found.step, found.field) for found in check_text(example("\n".join(full)), discover())]


@pytest.mark.parametrize(
    ("values", "right"),
    [
        ("'${trigger.hosts}'", True),
        ("[a, b]", True),
        ("[]", True),
        ("'${trigger.hosts}, ${trigger.more}'", False),
        ("hosts", False),
        ("{a: 1}", False),
        ("7", False),
        (f"[{', '.join(['a'] * (MAX_ITEMS + 1))}]", False),
    ],
)
def test_a_loop_goes_over_a_list_or_over_what_one_expression_gives(values: str, right: bool) -> None:
    assert _found(f"one: {{SET, for_each: {values}}}") == ([] if right else [("bad-loop", "one", "for_each")])


@pytest.mark.parametrize(("parallel", "right"), [("1", True), ("50", True), ("0", False), ("51", False)])
def test_how_many_items_are_at_work_at_once_has_bounds(parallel: str, right: bool) -> None:
    found = _found(f"one: {{SET, for_each: [a], parallel: {parallel}}}")
    assert found == ([] if right else [("bad-loop", "one", "parallel")])
    assert _found("one: {SET, parallel: 2}") == [("bad-loop", "one", "parallel")]


def test_what_follows_each_item_and_what_follows_the_loop_are_told_apart() -> None:
    each, more = "each: {SET, after: loop.each}", "more: {SET, after: each, on_error: help}"
    assert _found(LOOP, each, more, "help: {SET, after: more.error}", "after: {SET, after: loop.done}") == []
    assert _found(LOOP, "each: {SET, after: [loop.each, loop.success]}", "end: {SET, after: loop}") == []
    assert _found(LOOP, each, "both: {SET, after: [each, loop.done]}") == [("loop-border", "both", "after.1")]
    assert _found(LOOP, "each: {SET, after: loop.each, for_each: [a]}") == [("loop-border", "each", "for_each")]
    assert _found(LOOP, each, "one: {SET, on_error: each}") == [("loop-border", "one", "on_error")]
    assert _found(LOOP, "loop2: {SET, for_each: [a]}", "one: {SET, after: [loop.each, loop2.each]}") == [
        ("loop-border", "one", "after.1")
    ]


def test_the_item_is_there_where_something_is_done_for_it() -> None:
    item = "action: logic.set, with: {values: {a: '${item}', b: '${index}'}}"
    assert _found(f"loop: {{{item}, for_each: [a]}}", f"each: {{{item}, after: loop.each}}") == []
    assert _found(LOOP, f"end: {{{item}, after: loop}}") == [("unknown-variable", "end", "with.values.a"), (
        "unknown-variable", "end", "with.values.b")]  # fmt: skip
    assert _found("loop: {SET, for_each: '${item}'}") == [("unknown-variable", "loop", "for_each")]
    assert _found("loop: {SET, for_each: [a], if: item}") == [("unknown-variable", "loop", "if")]


def test_what_follows_a_loop_may_look_at_what_was_done_for_each_item() -> None:
    each = "each: {SET, after: loop.each}"
    looks = "{action: logic.set, with: {values: {a: '${steps.each[0]}'}}, after: loop}"
    assert _found(LOOP, each, f"end: {looks}") == []
    assert _found(LOOP, each, f"end: {looks.replace(', after: loop', '')}") == [
        ("unknown-reference", "end", "with.values.a")
    ]


def test_an_outcome_that_a_loop_does_not_have_is_found() -> None:
    assert _found(LOOP, "one: {SET, after: loop.all}") == [("unknown-outcome", "one", "after.0")]
    assert _found("one: {SET}", "two: {SET, after: one.each}") == [("unknown-outcome", "two", "after.0")]


def test_an_expression_that_cannot_be_read_is_found_in_the_list_too() -> None:
    assert _found("one: {SET, for_each: '${a[}'}") == [("bad-expression", "one", "for_each")]
