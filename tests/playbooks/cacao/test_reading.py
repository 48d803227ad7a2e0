"""What is no CACAO playbook is told with the JSON pointer of its place, however it is broken."""

import json
from typing import Any

import pytest

from cacao_samples import AGENT, END, START, action, cacao, command, ident, text
from ringfence.playbooks.cacao.reading import MAX_BYTES, MOST_FAULTS, NotCacao, pointer, read

ONE, TWO = ident("action", 11), ident("action", 12)


def faults(given: str) -> list[str]:
    with pytest.raises(NotCacao) as caught:
        read(given)
    return [fault.render() for fault in caught.value.faults]


def test_a_document_that_keeps_the_rules_is_read() -> None:
    assert read(text(cacao())).playbook.name == "Phishing at Contoso"


BROKEN: list[tuple[dict[str, Any], str]] = [
    (cacao(name=3), "/name: should be a text."),
    (cacao() | {"workflow": []}, "/workflow: should be an object."),
    (cacao(spec_version="cacao-1.0"), "/spec_version: should be 'cacao-2.0'."),
    (cacao(created="yesterday"), "/created: does not have the form that CACAO 2.0 demands here."),
    (cacao(id="playbook--1"), "/id: does not have the form that CACAO 2.0 demands here."),
    (cacao(modified="2025-01-01T00:00:00Z"), "/: was modified before it was created."),
    (cacao(workflow_start=END), "/workflow_start: should name a start step of the workflow."),
    (cacao(workflow_exception=ONE), "/workflow_exception: should name a step of the workflow."),
    (cacao(markings=[ident("marking-tlp", 9)]), "/markings/0: names a marking that is not defined."),
    (cacao(priority=101), "/priority: input should be less than or equal to 100."),
    (
        cacao({ONE: action("One", on_completion=TWO)}),
        f"/workflow/{ONE}/on_completion: names a step that is not in the workflow.",
    ),
    (cacao({ONE: action("One", on_completion=START)}), f"/workflow/{ONE}/on_completion: leads back to a start step."),
    (
        cacao({ONE: action("One", on_success=TWO), TWO: action("Two", on_failure=ONE)}),
        f"/workflow/{TWO}/on_failure: leads back to a step that led here.",
    ),
    (
        cacao({ONE: action("One", agent=ident("group", 8))}),
        f"/workflow/{ONE}/agent: names an agent that is not defined.",
    ),
    (
        cacao({ONE: action("One", targets=[AGENT])}),
        f"/workflow/{ONE}/targets/0: names a target that is not defined.",
    ),
    (cacao({ONE: action("One") | {"type": "end"}}), f"/workflow/{ONE}/type: should be action, as the key says."),
    (cacao({ONE: {"type": "dance"}}), f"/workflow/{ONE}/type: should be one of"),
    (cacao({ONE: {}}), f"/workflow/{ONE}: has no type."),
    (cacao({ONE: action("One") | {"commands": []}}), f"/workflow/{ONE}/commands: list should have at least 1 item"),
    (cacao({ONE: action("One", {"command": "x"})}), f"/workflow/{ONE}/commands/0/type: is missing."),
    (
        cacao({ONE: action("One", command(headers={"a": "b"}))}),
        f"/workflow/{ONE}/commands/0/headers/a: should be a list.",
    ),
    (
        cacao({ONE: action("One", on_completion=END, on_success=END)}),
        f"/workflow/{ONE}: has on_completion beside on_success or on_failure.",
    ),
    (cacao({ONE: action("a\x00b")}), f"/workflow/{ONE}/name: This text holds NUL"),
    (cacao({ONE: action("\ud83d")}), f"/workflow/{ONE}/name: This text holds NUL"),
]


@pytest.mark.parametrize(("document", "told"), BROKEN, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_each_fault_is_told_with_its_place(document: dict[str, Any], told: str) -> None:
    found = faults(text(document))
    assert any(each.startswith(told) for each in found), found


UNREADABLE = [
    ("", "It is not JSON"),
    ("[]", "A CACAO playbook is a JSON object."),
    ("null", "A CACAO playbook is a JSON object."),
    ('{"a": NaN}', "a number in it cannot be kept"),
    ('{"a": ' + "9" * 5_000 + "}", "a number in it cannot be kept"),
    ('{"a": 1e999}', "This number cannot be kept."),
    ('{"a": ' + "[" * 100_000, "nested more than 64 deep"),
    ("x" * (MAX_BYTES + 1), "larger than 4 MiB"),
    ('{"\\ud800": 1}', "A key holds NUL or half a surrogate pair"),
    (text(cacao()).replace('"type": "playbook"', '"type": "playbook", "name": "x"'), "/name: This key is there twice."),
]


@pytest.mark.parametrize(("given", "told"), UNREADABLE, ids=lambda value: value[:30])
def test_what_is_not_even_a_json_object_is_told_at_once(given: str, told: str) -> None:
    (found,) = faults(given)
    assert told in found


def test_a_flood_of_faults_is_cut() -> None:
    steps = {ident("action", number): {"type": "action"} for number in range(100, 400)}
    assert len(faults(text(cacao(steps, first=END)))) == MOST_FAULTS


def test_too_many_steps_are_refused() -> None:
    steps = {ident("action", number): action("x") for number in range(100, 700)}
    assert any("at most 500" in each for each in faults(text(cacao(steps))))


def test_a_chain_of_all_steps_that_are_allowed_is_read() -> None:
    ids = [ident("action", number) for number in range(100, 590)]
    steps = {step: action("x", on_completion=after) for step, after in zip(ids, [*ids[1:], END], strict=True)}
    assert len(read(text(cacao(steps))).playbook.workflow) == 492


def test_a_pointer_escapes_what_has_a_meaning_in_it() -> None:
    assert pointer("a/b", "c~d", 0) == "/a~1b/c~0d/0"
    assert json.dumps(pointer("x" * 500)) == json.dumps("/" + "x" * 120)
