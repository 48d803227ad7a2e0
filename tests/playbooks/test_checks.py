"""The checks as a whole; each has its own tests beside its module's name."""

from typing import get_args

import pytest

from language_example import DOCUMENTS
from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import CHECKS, check, check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.model import AlertChange
from ringfence.playbooks.problems import Severity


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_says_what_it_finds_and_finds_it_in_its_example(code: str) -> None:
    kind = CHECKS[code]
    assert kind.__doc__
    problems = check_text(kind.example, discover(), kind.installation)
    assert {problem.code for problem in problems} == {code}
    assert {problem.severity for problem in problems} == {kind.severity}
    for problem in problems:
        assert problem.message.endswith(".")
        assert problem.advice or code in ("bad-expression", "wrong-parameter")
        assert problem.line > 1


def test_a_text_that_cannot_be_read_gives_what_prevented_it() -> None:
    assert [problem.code for problem in check(read("a: ["), discover())] == ["bad-yaml"]


def test_problems_come_in_the_order_of_the_lines() -> None:
    text = """\
ringfence: 1
name: ""
trigger: {type: manual}
steps:
  one: {action: logic.nothing}
  two: {action: logic.delay, after: three}
"""
    found = [(problem.line, problem.code) for problem in check_text(text, discover())]
    assert found == [(2, "empty-name"), (5, "unknown-action"), (6, "missing-parameter"), (6, "unknown-step")]


def test_every_change_that_the_language_names_is_carried_out() -> None:
    changes = ", ".join(get_args(AlertChange))
    trigger = f"{{type: defender.alert, changes: [{changes}], run_per: machine}}"
    assert check_text(example("one: {action: logic.set, with: {values: {}}}", trigger=trigger), discover()) == []


def test_the_documents_of_the_documentation_have_no_errors() -> None:
    assert [read(text).playbook.kind for text in DOCUMENTS] == ["playbook", "component", "workflow"]  # type: ignore[union-attr]
    for text in DOCUMENTS:
        assert [problem for problem in check_text(text, discover()) if problem.severity is Severity.ERROR] == []
