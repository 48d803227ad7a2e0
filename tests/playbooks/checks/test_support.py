from typing import get_args

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.model import AlertChange

STEP = "one: {action: logic.set, with: {values: {}}%s}"


def _problems(text: str) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in check_text(text, discover())]


def test_other_kinds_of_documents_are_refused() -> None:
    assert _problems(example(STEP % "", extra="kind: workflow\n")) == [("not-supported", "kind")]


def test_calling_a_playbook_is_refused() -> None:
    assert ("not-supported", "action") in _problems(example("one: {action: playbook.call}"))


def test_every_change_that_the_language_names_is_carried_out() -> None:
    trigger = f"{{type: defender.alert, changes: [{', '.join(get_args(AlertChange))}], run_per: machine}}"
    assert _problems(example(STEP % "", trigger=trigger)) == []
