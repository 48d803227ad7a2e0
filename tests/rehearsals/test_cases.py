from typing import Any

import pytest

from rehearsing import ALERT, CONTAIN, piece, small
from ringfence.playbooks.mocks import Case
from ringfence.rehearsals.cases import CaseResult, play, same, shown

HIGH = {"output": {"riskScore": "High", "computerDnsName": "ws-1.contoso.com"}}


async def _play(expect: dict[str, Any], **more: Any) -> CaseResult:
    given = {"name": "One", "trigger": {"alert": ALERT}, "mocks": {"machine": HIGH}, **more, "expect": expect}
    return await play(piece(CONTAIN), Case.model_validate(given))


async def test_what_is_as_expected_passes() -> None:
    result = await _play(
        {
            "status": "succeeded",
            "starts": True,
            "ran": ["machine", "risky.yes", "ask.approved", "isolate"],
            "skipped": "comment",
            "only": True,
            "inputs": {"isolate": {"reason": "ransomware seen"}, "ask": {"question": "Isolate ws-1.contoso.com?"}},
            "outputs": {"risky": {"test": True}},
        }
    )
    assert result.differences == ()
    assert result.passed


@pytest.mark.parametrize(
    ("expect", "what", "expected", "got"),
    [
        ({"status": "failed"}, "the run", "failed", "succeeded"),
        ({"starts": False}, "the trigger", "not to start", "starts: "),
        ({"ran": "comment"}, "step comment", "run with success", "skipped"),
        ({"ran": "risky.no"}, "step risky", "run with no", "run with yes"),
        ({"ran": "isolate.error"}, "step isolate", "error", "run with success"),
        ({"skipped": "isolate"}, "step isolate", "skipped", "run with success"),
        ({"ran": ["machine", "risky", "ask"], "only": True}, "step isolate", "skipped, since", "run with success"),
        ({"inputs": {"isolate": {"reason": "x"}}}, "the input reason of isolate", '"x"', '"ransomware seen"'),
        ({"inputs": {"isolate": {"type": "Full"}}}, "the input type of isolate", '"Full"', "not given"),
        ({"inputs": {"comment": {"comment": "x"}}}, "the inputs of comment", "given", "the step was skipped"),
        ({"attempts": {"isolate": 2}}, "the attempts of isolate", "2", "1"),
        ({"attempts": {"comment": 1}}, "the attempts of comment", "1", "the step was skipped"),
        ({"outputs": {"risky": {"test": 1}}}, "the output of risky", '{"test": 1}', '{"test": true}'),
    ],
)
async def test_each_difference_names_both_sides(expect: dict[str, Any], what: str, expected: str, got: str) -> None:
    (difference,) = (await _play(expect)).differences
    assert difference.what == what
    assert difference.expected.startswith(expected)
    assert difference.got.startswith(got)


async def test_a_step_that_reads_needs_to_be_told_what_it_finds() -> None:
    result = await _play({"status": "succeeded"}, mocks={})
    assert not result.passed
    assert "mocks: {machine: {output: …}}" in result.undecided


async def test_the_mock_of_the_step_itself_counts_and_that_of_the_test_counts_more() -> None:
    text = CONTAIN.replace(
        "    action: defender.get_machine\n", "    action: defender.get_machine\n    mock: {output: {}}\n"
    )
    one = Case.model_validate({"name": "One", "trigger": {"alert": ALERT}, "expect": {"ran": "risky.no"}})
    two = Case.model_validate({**one.model_dump(exclude_unset=True), "mocks": {"machine": HIGH}})
    assert (await play(piece(text), one)).passed
    assert (await play(piece(text), two)).differences[0].got == "run with yes"


async def test_a_step_that_acts_is_not_carried_out_and_its_inputs_are_looked_at_all_the_same() -> None:
    nobody = {key: value for key, value in ALERT.items() if key != "title"}
    result = await _play({"status": "failed", "ran": "isolate.error"}, trigger={"alert": nobody})
    assert result.passed
    assert result.report is not None
    assert "reason" in result.report.error


@pytest.mark.parametrize(
    ("trigger", "starts"),
    [
        ({"alert": ALERT}, True),
        ({"alert": ALERT, "changes": ["updated"]}, False),
        ({"alert": ALERT, "change": "created"}, True),
        ({"alert": {**ALERT, "severity": "Low"}}, False),
        ({"alert": {**ALERT, "title": "phishing"}}, False),
        ({}, False),
    ],
)
async def test_a_test_can_ask_whether_the_trigger_starts_at_all(trigger: dict[str, Any], starts: bool) -> None:
    assert (await _play({"starts": starts}, trigger=trigger)).passed


async def test_the_where_of_a_webhook_is_asked_too() -> None:
    trigger = "trigger: {type: webhook, hook: in, where: body.wanted}\n"
    text = f"ringfence: 1\nname: One\n{trigger}steps:\n  a: {{action: logic.set, with: {{values: {{}}}}}}\n"
    for body, starts in (({"wanted": True}, True), ({}, False)):
        case = Case.model_validate({"name": "One", "trigger": {"body": body}, "expect": {"starts": starts}})
        assert (await play(piece(text), case)).passed


async def test_a_trigger_that_is_not_one_leaves_the_test_undecided() -> None:
    assert "not a mapping" in (await _play({"status": "succeeded"}, trigger={"alert": 1})).undecided


async def test_in_a_loop_one_of_the_items_has_to_be_as_expected() -> None:
    loop = small(
        'each: {action: notify.send, for_each: [soc, noc], with: {to: "${item}", text: x}}\n'
        "done: {action: logic.set, after: each.done, with: {values: {}}}\n"
    )
    expect = {"ran": ["each.done", "done"], "inputs": {"each": {"to": "noc"}}}
    assert (await play(loop, Case.model_validate({"name": "One", "expect": expect}))).passed
    wrong = Case.model_validate({"name": "One", "expect": {"inputs": {"each": {"to": "x"}}}})
    assert not (await play(loop, wrong)).passed


def test_values_are_compared_as_json_and_long_ones_are_cut() -> None:
    assert same({"a": 1, "b": [1]}, {"b": [1], "a": 1})
    assert not same(True, 1)
    assert len(shown("x" * 500)) == 200
