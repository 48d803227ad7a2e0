"""What we wrote comes back as it was; what others wrote comes as steps that ask people, and nothing is kept quiet."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacao_samples import END, ORIGIN, action, cacao, command, ident, text
from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid
from ringfence.playbooks.cacao.leaving import EXTENSION
from ringfence.playbooks.cacao.taking import Taken, take
from ringfence.playbooks.cacao.writing import write
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.problems import has_errors
from ringfence.playbooks.starter import find, starters

CATALOGUE = discover()
ONE = ident("action", 11)


def taken(document: dict[str, Any]) -> Taken:
    made = take(text(document), CATALOGUE)
    assert not has_errors(check_text(made.source, CATALOGUE)), check_text(made.source, CATALOGUE)
    return made


def playbook(made: Taken) -> Playbook:
    found = read(made.source).playbook
    assert found is not None
    return found


def shape(source: str) -> dict[str, tuple[str, str, frozenset[str]]]:
    """Give what each step does and what leads to it."""
    found = read(source).playbook
    assert found is not None
    rescued: dict[str, set[str]] = {}
    for name, step in found.steps.items():
        if step.on_error is not None:
            rescued.setdefault(step.on_error, set()).add(f"{name}.error")
    return {
        name: (
            step.action,
            json.dumps(step.with_, sort_keys=True),
            frozenset({each.removesuffix(".success") for each in step.after} | rescued.get(name, set())),
        )
        for name, step in found.steps.items()
    }


@pytest.mark.parametrize("name", list(starters()))
def test_a_document_of_ours_gives_back_the_very_text(name: str) -> None:
    source = find(name).source
    made = take(json.dumps(write(source, CATALOGUE, ORIGIN).document), CATALOGUE)
    assert (made.source, made.whole, made.left_out) == (source, True, ())
    assert dict(made.carried_out) == {step: action for step, (action, _, _) in shape(source).items()}


@pytest.mark.parametrize("name", list(starters()))
def test_a_document_of_ours_that_was_changed_is_taken_by_what_it_shows(name: str) -> None:
    source = find(name).source
    document = write(source, CATALOGUE, ORIGIN).document | {"description": "Changed elsewhere"}
    made = taken(document)
    assert not made.whole
    assert "Changed elsewhere" in playbook(made).description
    assert f"/playbook_extensions/{EXTENSION}" in {each.place for each in made.left_out}
    found = shape(made.source)
    if "side_by_side_together" in found:
        *_, gathered = found.pop("side_by_side_together")
        found = {
            step: (does, inputs, gathered if "side_by_side_together" in ways else ways)
            for step, (does, inputs, ways) in found.items()
        }
    assert found == shape(source)


def test_a_hidden_text_that_does_not_fit_what_is_shown_is_not_taken() -> None:
    document = copy.deepcopy(write(find("alert-to-jmespath").source, CATALOGUE, ORIGIN).document)
    document["playbook_extensions"][EXTENSION]["source"] = find("contain-malware").source
    made = taken(document)
    assert not made.whole
    assert [step.action for step in playbook(made).steps.values()] == ["jmespath.query"]


def test_commands_of_others_ask_a_person_and_are_never_carried_out() -> None:
    commands = [
        command("rm -rf / ${trigger}", "bash"),
        command("GET / HTTP/1.1", "http-api"),
        command("Smile", "dance"),
    ]
    made = taken(cacao({ONE: action("Clean up", *commands, on_completion=END)}))
    assert made.by_hand == ("clean_up", "clean_up_2", "clean_up_3")
    assert made.carried_out == ()
    steps = playbook(made).steps
    assert {step.action for step in steps.values()} == {"logic.approval"}
    assert "$${trigger}" in str(steps["clean_up"].with_["question"])
    assert steps["clean_up_2"].after == ("clean_up.approved",)
    reasons = {each.place: each.reason for each in made.left_out}
    assert "'dance' is not carried out" in reasons[f"/workflow/{ONE}/commands/2"]


def test_an_extension_that_is_no_step_of_ours_makes_a_person_do_it() -> None:
    for kept in ({"step": {"action": "contoso.nothing"}}, {"step": 3}, {"step": {"action": "logic.set", "dance": 1}}):
        made = taken(cacao({ONE: action("One", step_extensions={EXTENSION: kept})}))
        assert made.by_hand == ("One",)
        assert f"/workflow/{ONE}/step_extensions/{EXTENSION}" in {each.place for each in made.left_out}


def test_references_and_markings_are_told_in_the_description_and_the_rest_is_listed() -> None:
    marking = {"type": "marking-statement", "id": ident("marking-statement", 21), "statement": "For Contoso only"}
    marking |= {"created_by": ident("identity", 7), "created": "2026-01-31T12:00:00.000Z"}
    made = taken(
        cacao(
            description="What to do about phishing.",
            external_references=[{"name": "Contoso guide", "url": "https://contoso.com/guide"}],
            data_marking_definitions={marking["id"]: marking},
            markings=[marking["id"]],
            labels=["mail"],
            revoked=True,
            contoso_risk=3,
        )
    )
    assert playbook(made).description.splitlines() == [
        "What to do about phishing.",
        "Marking: For Contoso only",
        "Reference: Contoso guide · https://contoso.com/guide",
    ]
    assert [each.place for each in made.left_out] == ["/contoso_risk", "/labels", "/revoked"]


def test_variables_become_inputs_and_constants_and_the_others_are_listed() -> None:
    variables = {
        "__sender__": {"type": "string", "external": True, "description": "Whom"},
        "__list__": {"type": "string", "constant": True, "value": "block ${all}"},
        "__result__": {"type": "string"},
    }
    given = command("Put __sender__:value on the list __list__:value, then see __result__:value")
    made = taken(cacao({ONE: action("Block", given)}, playbook_variables=variables))
    found = playbook(made)
    assert found.trigger.type == "manual"
    assert found.steps["variables"].with_ == {"values": {"list": "block $${all}"}}
    question = str(found.steps["Block"].with_["question"])
    assert "Put ${trigger.input.sender} on the list ${steps.variables.list}, then see __result__:value" in question
    assert [each.place for each in made.left_out] == ["/playbook_variables/__result__"]


def test_what_is_no_cacao_playbook_is_refused_with_its_faults() -> None:
    with pytest.raises(Invalid) as caught:
        take(text(cacao(name=3)), CATALOGUE)
    assert caught.value.problems == ("/name: should be a text.",)
    with pytest.raises(Invalid, match="no step that does anything"):
        take(text(cacao({}, first=END)), CATALOGUE)


def test_an_odd_name_becomes_one_that_can_be_published() -> None:
    assert playbook(taken(cacao(name=" \u202egpj\n" + "x" * 500))).name.isprintable()
    assert playbook(taken(cacao(name="\u200b"))).name == "Imported playbook"


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Make a playbook whose steps follow each other in any way that makes sense."""
    kinds = {
        "logic.set": ("success",),
        "logic.condition": ("yes", "no"),
        "logic.approval": ("approved", "rejected", "expired"),
    }
    inputs: dict[str, dict[str, Any]] = {
        "logic.set": {"values": {"x": "${run.id}"}},
        "logic.condition": {"test": "run.id"},
        "logic.approval": {"question": "Really?", "timeout": "1 h"},
    }
    steps: dict[str, Any] = {}
    ways: list[str] = []
    branches = st.booleans()
    for number in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(sorted(kinds)))
        step: dict[str, Any] = {"action": kind, "with": inputs[kind]}
        if draw(branches) and ways:
            step["after"] = draw(st.lists(st.sampled_from(ways), min_size=1, max_size=3, unique=True))
            step["join"] = draw(st.sampled_from(["all", "any"]))
        if draw(branches):
            step["note"] = draw(st.text("aé${}'\"\n: #", max_size=20))
        steps[f"s{number}"] = step
        ways += [f"s{number}", f"s{number}.error", *(f"s{number}.{outcome}" for outcome in kinds[kind])]
    return json.dumps({"ringfence": 1, "name": "Random", "trigger": {"type": "manual"}, "steps": steps})


@settings(max_examples=20, deadline=None)
@given(sources())
def test_whatever_we_write_keeps_the_rules_and_comes_back_whole(source: str) -> None:
    document = write(source, CATALOGUE, ORIGIN).document
    assert take(json.dumps(document), CATALOGUE).source == source
    made = take(json.dumps(document | {"description": "Changed"}), CATALOGUE)
    assert not has_errors(check_text(made.source, CATALOGUE)), made.source
    assert set(shape(made.source)) >= set(shape(source))
    assert made.by_hand == ()
