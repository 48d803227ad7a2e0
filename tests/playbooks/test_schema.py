from importlib import resources
from typing import Any

import pytest

from json_schema import misfits
from language_example import DOCUMENTS
from ringfence.actions.catalogue import discover
from ringfence.playbooks import yamltree
from ringfence.playbooks.schema import language

HEAD = "ringfence: 1\nname: Example\ntrigger: {type: manual}\n"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return language(discover().actions())


def _fits(schema: dict[str, Any], text: str) -> bool:
    return misfits(schema, yamltree.parse(text).to_json()) == []


def _step(action: str, inputs: str) -> str:
    return f"{HEAD}steps:\n  one:\n    action: {action}\n    with: {inputs}\n"


def test_it_names_its_dialect(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_starter_and_every_document_of_the_documentation_fit(schema: dict[str, Any]) -> None:
    starters = sorted((resources.files("ringfence.playbooks") / "starters").iterdir(), key=lambda each: each.name)
    for text in (*DOCUMENTS, *(each.read_text() for each in starters if each.name.endswith(".yaml"))):
        assert misfits(schema, yamltree.parse(text).to_json()) == []


def test_the_example_of_every_action_fits(schema: dict[str, Any]) -> None:
    for action in discover().actions():
        if action.example:
            steps = "".join(f"  {line}\n" for line in action.example.splitlines())
            assert misfits(schema, yamltree.parse(f"{HEAD}steps:\n{steps}").to_json()) == [], action.id


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}stepz: {{}}",
        f"{HEAD}tests: [{{name: x, expect: {{rann: a}}}}]",
        f"{HEAD}steps: {{one: {{actio: logic.set}}}}",
        f"{HEAD}steps: {{1st: {{action: logic.set, with: {{values: {{}}}}}}}}",
        _step("logic.sett", "{}"),
        _step("logic.delay", "{durration: 5 s}"),
        _step("logic.delay", "{}"),
        f"{HEAD}steps: {{one: {{action: logic.delay}}}}",
        _step("logic.delay", "{duration: soon}"),
        _step("incident.close", "{resolution: boring, reason: x}"),
        _step("incident.get", "{incident: twelve}"),
        "ringfence: 1\nname: x\nsteps: {}",
        "ringfence: 2\nname: x\ntrigger: {type: manual}",
        "ringfence: 1\nname: x\ntrigger: {type: defender.alert, severity: [Hihg]}",
        "ringfence: 1\nkind: component\nname: x\ntrigger: {type: manual}",
        f"{HEAD}inputs: {{a: {{type: string}}}}",
        "ringfence: 1\nkind: component\nname: x\ninputs: {a: {type: text}}",
    ],
)
def test_what_is_wrong_does_not_fit(schema: dict[str, Any], text: str) -> None:
    assert not _fits(schema, text)


@pytest.mark.parametrize(
    "text",
    [
        _step("logic.delay", '{duration: "${trigger.input.pause}"}'),
        _step("incident.get", '{incident: "${steps.promote.number}"}'),
        _step("incident.get", "{incident: null}"),
        _step("defender.import_indicators", '{indicators: "${steps.x.indicators}"}'),
        "ringfence: 1\nname: x\ntrigger: {type: defender.alert, severity: High}",
        f"{HEAD}tests: [{{name: x, mocks: {{a: {{outcome: approved}}}}, expect: {{ran: a.approved}}}}]",
        "ringfence: 1\nkind: component\nname: x\ninputs: {a: {type: string, required: true}}",
    ],
)
def test_a_value_that_is_looked_up_and_one_for_a_list_fit(schema: dict[str, Any], text: str) -> None:
    assert _fits(schema, text)


def test_every_action_is_offered_with_its_outcomes(schema: dict[str, Any]) -> None:
    offered = {each["const"]: each["description"] for each in schema["$defs"]["Step"]["properties"]["action"]["anyOf"]}
    assert sorted(offered) == sorted(discover().ids())
    assert "Outcomes: yes, no, error." in offered["logic.condition"]
    assert "Permissions: Machine.Isolate" in offered["containment.contain"]


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def led(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [each for value in part.values() for each in led(value)]
        return [each for value in part for each in led(value)] if isinstance(part, list) else []

    assert {each.removeprefix("#/$defs/") for each in led(schema)} <= schema["$defs"].keys()
