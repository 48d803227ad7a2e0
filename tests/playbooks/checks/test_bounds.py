import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example


def _codes(text: str) -> list[str]:
    return [problem.code for problem in check_text(text, discover())]


def _step(rest: str) -> str:
    return example(f"one: {{action: logic.set, with: {{values: {{}}}}, {rest}}}")


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_is_neither_empty_nor_endless(name: str) -> None:
    assert _codes(example("one: {action: logic.set, with: {values: {}}}", name=name)) == ["empty-name"]


def test_a_playbook_has_steps() -> None:
    assert _codes(example()) == ["no-steps"]


@pytest.mark.parametrize("retry", ["{attempts: 0}", "{attempts: 21}", "{attempts: -1}", "{backoff: 61 min}"])
def test_retries_are_within_reason(retry: str) -> None:
    assert _codes(_step(f"retry: {retry}")) == ["retry-bounds"]


@pytest.mark.parametrize("timeout", ["0 s", "31 d"])
def test_timeouts_are_within_reason(timeout: str) -> None:
    assert _codes(_step(f"timeout: {timeout}")) == ["timeout-bounds"]


def test_the_limits_themselves_are_allowed() -> None:
    assert _codes(_step("timeout: 30 d, retry: {attempts: 20, backoff: 1 h}")) == []


@pytest.mark.parametrize(("most", "right"), [("10 s", True), ("24 h", True), ("9 s", False), ("25 h", False)])
def test_the_longest_pause_is_no_shorter_than_the_first_and_no_longer_than_a_day(most: str, right: bool) -> None:
    retry = f"{{backoff: 10 s, max_backoff: {most}}}"
    text = example(f"one: {{action: logic.set, with: {{values: {{}}}}, retry: {retry}}}")
    found = [(problem.code, problem.field) for problem in check_text(text, discover())]
    assert found == ([] if right else [("retry-bounds", "retry.max_backoff")])


@pytest.mark.parametrize(("timeout", "right"), [("4 h", True), ("0 s", False), ("31 d", False)])
def test_the_time_of_a_whole_run_has_bounds(timeout: str, right: bool) -> None:
    text = example("one: {action: logic.set, with: {values: {}}}", extra=f"timeout: {timeout}\n")
    found = [(problem.code, problem.field) for problem in check_text(text, discover())]
    assert found == ([] if right else [("timeout-bounds", "timeout")])
