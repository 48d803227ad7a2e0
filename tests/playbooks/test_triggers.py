from typing import Any

import pytest

from ringfence.accounts.model import AccountState
from ringfence.actions.catalogue import discover
from ringfence.containment.model import State
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.document import dump, read
from ringfence.playbooks.triggers import KINDS, ManualTrigger, TimerTrigger

TEXT = """\
ringfence: 1
name: Example
trigger: {trigger}
steps:
  one: {{action: logic.set, with: {{values: {{}}}}}}
"""


def found(trigger: str) -> list[tuple[str, int, int, str]]:
    problems = check_text(TEXT.format(trigger=trigger), discover())
    return [(each.code, each.line, each.column, f"{each.message} {each.advice}".strip()) for each in problems]


@pytest.mark.parametrize(
    "trigger",
    [
        "{type: webhook, hook: siem, where: body.severity == 'high'}",
        "{type: timer, cron: '0 6 * * 1-5', time_zone: Europe/Berlin, catch_up: none}",
        "{type: timer, every: 15 min, account: contoso}",
        "{type: mailbox, mailbox: abuse, where: \"contains(message.subject, 'phish')\"}",
        "{type: change, of: containment, kinds: contained, where: containment.machine_name}",
        "{type: change, of: account}",
        "{type: manual, on: [alert, machine], inputs: {why: {required: true}, how: {default: slowly}}}",
        "{type: manual}",
    ],
)
def test_each_trigger_is_read_and_written_again(trigger: str) -> None:
    assert found(trigger) == []
    document = read(TEXT.format(trigger=trigger))
    assert document.playbook is not None
    again = read(dump(document.playbook))
    assert again.playbook == document.playbook


@pytest.mark.parametrize(
    ("trigger", "code", "column", "said"),
    [
        ("{type: webhook}", "missing-key", 10, "ringfence webhook add"),
        ("{type: webhook, hook: ''}", "wrong-type", 32, "not empty"),
        ("{type: webhook, hok: siem, hook: a}", "unknown-key", 26, "Did you mean 'hook'?"),
        ("{type: webhook, hook: a, where: \"severity == 'a'\"}", "where-variable", 42, "body.severity"),
        ("{type: webhook, hook: a, where: 'body.['}", "bad-expression", 49, ""),
        ("{type: timer}", "wrong-value", 10, "either `cron` or `every`"),
        ("{type: timer, cron: '0 6 * * *', every: 1 h}", "wrong-value", 10, "either `cron` or `every`"),
        ("{type: timer, cron: '0 25 * * *'}", "wrong-value", 30, "Bad hour"),
        ("{type: timer, cron: '* * *'}", "wrong-value", 30, "five fields"),
        ("{type: timer, cron: '* * * * * *'}", "wrong-value", 30, "five fields"),
        ("{type: timer, cron: '0 0 30 2 *'}", "wrong-value", 30, "Bad day-of-month"),
        ("{type: timer, cron: '* * */20 * 1L'}", "wrong-value", 30, "never comes"),
        ("{type: timer, every: 30 s}", "wrong-value", 31, "whole minutes"),
        ("{type: timer, every: 90 s}", "wrong-value", 31, "whole minutes"),
        ("{type: timer, every: 15}", "bad-duration", 31, "needs a unit"),
        ("{type: timer, every: 1 h, time_zone: Europe/Berlim}", "wrong-value", 47, "not a time zone"),
        ("{type: timer, every: 1 h, time_zone: ../../etc/passwd}", "wrong-value", 47, "not a time zone"),
        ("{type: timer, every: 1 h, catch_up: all}", "wrong-value", 46, "last, none"),
        ("{type: mailbox}", "missing-key", 10, "ringfence mailbox add"),
        ("{type: change}", "missing-key", 10, "incident, containment or account"),
        ("{type: change, of: containment, kinds: [gone]}", "wrong-value", 10, "'gone' is no change of containment"),
        ("{type: change, of: incident, kinds: [gone]}", "wrong-value", 10, "'gone' is no change of incident"),
        ("{type: manual, on: [user]}", "wrong-value", 30, "alert, machine"),
        ("{type: manual, inputs: {'a b': {}}}", "wrong-value", 34, ""),
        ("{type: manual, inputs: {a: {requird: true}}}", "unknown-key", 38, "Did you mean 'required'?"),
        ("{type: wobhook}", "wrong-value", 17, "Did you mean webhook?"),
    ],
)
def test_each_mistake_is_told_with_its_place(trigger: str, code: str, column: int, said: str) -> None:
    problem = found(trigger)[0]
    assert problem[:3] == (code, 3, column), problem
    assert said in problem[3]


def test_the_kinds_of_change_are_those_that_the_parts_write() -> None:
    assert set(State) <= set(KINDS["containment"])
    assert set(AccountState) <= set(KINDS["account"])


def test_what_is_left_out_has_its_documented_meaning() -> None:
    timer = TimerTrigger.model_validate({"type": "timer", "every": "1 h"})
    assert (timer.time_zone, timer.catch_up) == ("UTC", "last")
    given: dict[str, Any] = {"type": "manual", "inputs": {"why": {}}}
    assert ManualTrigger.model_validate(given).inputs["why"].required is False
