"""Walk every action and demand what reviewers forget."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from factbook import operations
from ringfence.actions import Action, Effect
from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.model import ParameterKind

CATALOGUE = discover()
every_action = pytest.mark.parametrize("action", CATALOGUE.actions(), ids=CATALOGUE.ids())


@every_action
def test_an_action_is_described_in_a_sentence_and_so_is_each_parameter(action: Action) -> None:
    assert re.fullmatch(r"[A-Z][^\n]*[.]", action.summary)
    for parameter in action.parameters.values():
        assert re.fullmatch(r"[A-Z](?s:.)*[.]", parameter.description), parameter.name


@every_action
def test_an_action_that_touches_hosts_names_its_permissions_and_an_undo_that_exists(action: Action) -> None:
    if action.undo is not None:
        undo = CATALOGUE.find(action.undo)
        assert undo is not None
        assert undo.effect is action.effect
    assert action.undo is not None or action.effect is not Effect.CONTAIN
    assert action.undo is None or action.effect in (Effect.CONTAIN, Effect.WRITE)
    if action.operations or action.effect is Effect.CONTAIN:
        assert action.permissions
    else:
        assert not action.permissions


@every_action
def test_an_action_has_a_title_of_its_own_within_its_connector(action: Action) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z ]+", action.title)
    assert [each.id for each in action.connector.actions.values() if each.title == action.title] == [action.id]


@every_action
def test_outcomes_are_plain_words_and_named_in_the_description_when_there_are_several(action: Action) -> None:
    for outcome in action.outcomes:
        assert re.fullmatch(r"[a-z][a-z_]*", outcome)
        assert len(action.outcomes) == 1 or f"`{outcome}`" in action.description or outcome in ("no",)


# An example shows one action, and neither what it is undone by nor what decides about it.
_AS_EXAMPLES_ARE = ("containment-without-release", "contains-on-every-alert")


@every_action
def test_the_example_of_an_action_uses_it_and_passes_the_checks(action: Action) -> None:
    assert f"action: {action.id}" in action.example
    trigger = "{type: defender.alert, account: contoso}"
    extra = ""
    if action.id == "task.ask":
        extra, trigger = "kind: workflow\n", "{type: manual, on: incident}"
    problems = check_text(example(action.example, trigger=trigger, extra=extra), CATALOGUE)
    assert [problem.render("example") for problem in problems if problem.code not in _AS_EXAMPLES_ARE] == []


def _faults(part: dict[str, Any], shared: dict[str, Any]) -> Iterator[str]:
    """Say what keeps a schema from being drawn as a form: a part without a type, or a reference to nothing."""
    if "$ref" in part:
        name = part["$ref"].removeprefix("#/$defs/")
        if name not in shared:
            yield f"there is no {part['$ref']}"
        return
    if not {"type", "anyOf", "enum", "const"} & part.keys() and part.keys() - {"description", "default", "title"}:
        yield f"{part} has no type"
    for inner in (*part.get("anyOf", ()), *part.get("properties", {}).values(), *part.get("$defs", {}).values()):
        yield from _faults(inner, shared)
    if "items" in part:
        yield from _faults(part["items"], shared)


@every_action
def test_the_form_of_an_action_is_a_valid_schema_that_describes_every_parameter(action: Action) -> None:
    schema = action.schema()
    assert schema["type"] == "object"
    assert list(_faults(schema, schema.get("$defs", {}))) == []
    assert set(schema.get("properties", {})) == set(action.parameters)
    for name, parameter in action.parameters.items():
        assert schema["properties"][name]["description"]
        assert (schema["properties"][name].get("format") == "jmespath") is (parameter.kind is not ParameterKind.VALUE)
        assert (name in schema.get("required", [])) is parameter.required


@every_action
def test_permissions_are_roles_that_the_fact_book_knows(action: Action) -> None:
    known = {role for each in operations() for role in each["permissions"]["application_any_of"]}
    assert set(action.permissions) <= known
