import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Installation

ASK = "ask: {action: task.ask, with: {title: Call, form: {reached: {type: boolean}}}%s}"
ON = "{type: manual, on: incident}"


def _codes(text: str, installation: Installation | None = None) -> list[str]:
    return [problem.code for problem in check_text(text, discover(), installation)]


def test_a_workflow_on_an_incident_asks_by_tasks() -> None:
    assert _codes(example(ASK % "", extra="kind: workflow\n", trigger=ON)) == []
    changed = "{type: change, of: incident, kinds: [created]}"
    assert _codes(example(ASK % "", extra="kind: workflow\n", trigger=changed)) == []


def test_a_playbook_reaches_no_task_through_a_component_either() -> None:
    component = read(f"ringfence: 1\nkind: component\nname: Ask\nsteps:\n  {ASK % ''}\n").playbook
    assert component is not None
    here = Installation(components={("Ask", "1.0"): component})
    call = "go: {action: playbook.call, with: {component: Ask, version: '1.0'}}"
    assert _codes(example(call, trigger=ON), here) == ["task-outside-workflow"]
    assert _codes(example(call, extra="kind: workflow\n", trigger=ON), here) == []


@pytest.mark.parametrize(
    ("steps", "codes"),
    [
        (ASK % "", ["task-without-incident"]),
        (f"make: {{action: incident.promote}}\n{ASK % ', after: make'}", []),
        (f"make: {{action: incident.create, with: {{title: x}}}}\n{ASK % ', after: make'}", []),
        ("ask: {action: task.ask, with: {title: Call, form: {a: {type: text}}, incident: 12}}", []),
    ],
)
def test_a_task_needs_an_incident(steps: str, codes: list[str]) -> None:
    trigger = "{type: defender.alert, severity: High}"
    assert _codes(example(steps, extra="kind: workflow\n", trigger=trigger)) == codes


def test_a_form_that_is_wrong_is_found_before_any_run() -> None:
    text = example(ASK.replace("boolean", "bool") % "", extra="kind: workflow\n", trigger=ON)
    assert _codes(text) == ["wrong-parameter"]
