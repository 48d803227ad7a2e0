"""What is written keeps the rules of CACAO, says the same each time, and owns up to what it cannot say."""

import json

import pytest

from cacao_samples import ORIGIN
from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid
from ringfence.playbooks.cacao.leaving import EXTENSION
from ringfence.playbooks.cacao.reading import read
from ringfence.playbooks.cacao.rules import Action, IfCondition, Parallel, SwitchCondition
from ringfence.playbooks.cacao.writing import Origin, Written, write
from ringfence.playbooks.starter import find, starters

CATALOGUE = discover()
MANUAL = """ringfence: 1
name: Block a sender
trigger:
  type: manual
  inputs: {sender: {description: Whom, required: true}, why: {default: Phishing}}
steps:
  pause: {action: logic.delay, with: {duration: 90 s}}
  ask:
    after: pause
    action: logic.approval
    with: {question: "Block ${trigger.input.sender}?", of: [tier-2], timeout: 1 h}
    timeout: 2 h
"""


def written(name: str) -> Written:
    return write(find(name).source, CATALOGUE, ORIGIN)


@pytest.mark.parametrize("name", list(starters()))
def test_every_starter_is_written_by_the_rules_and_the_same_each_time(name: str) -> None:
    made = written(name)
    assert read(json.dumps(made.document)).playbook.name == find(name).title
    assert json.dumps(written(name).document) == json.dumps(made.document)


def test_steps_side_by_side_outcomes_and_failures_become_what_cacao_has_for_them() -> None:
    enriched = read(json.dumps(written("enrich-and-comment").document)).playbook
    (parallel,) = (step for step in enriched.workflow.values() if isinstance(step, Parallel))
    assert len(parallel.next_steps) == 4
    assert parallel.on_completion is not None
    after = enriched.workflow[parallel.on_completion]
    assert after.name == "comment"
    contained = read(json.dumps(written("contain-ransomware").document)).playbook
    by_name = {step.name: step for step in contained.workflow.values()}
    isolate, known = by_name["isolate"], by_name["known: yes or no"]
    assert isinstance(isolate, Action)
    assert isinstance(known, IfCondition)
    assert known.condition == "__known_outcome__:value = 'yes'"
    assert isolate.timeout == 4 * 3_600_000
    assert isolate.on_failure is not None
    assert contained.workflow[isolate.on_failure].name == "comment_failed"
    assert isolate.on_success is not None
    switch = contained.workflow[isolate.on_success]
    assert isinstance(switch, SwitchCondition)
    assert list(switch.cases) == ["success", "denied", "not_needed"]
    assert isolate.targets is not None
    assert contained.target_definitions[isolate.targets[0]].category == ["endpoint"]


def test_every_command_could_be_followed_by_hand() -> None:
    for starter in starters():
        for step in read(json.dumps(written(starter).document)).playbook.workflow.values():
            if isinstance(step, Action):
                (command,) = step.commands
                assert command.type == "manual"
                assert command.playbook_activity
                assert step.step_extensions is not None
                kept = step.step_extensions[EXTENSION]["step"]
                assert isinstance(kept, dict)
                assert f"({kept['action']})" in (command.command or "")


def test_inputs_delays_people_and_markings_are_said_in_the_words_of_cacao() -> None:
    made = write(MANUAL, CATALOGUE, ORIGIN)
    found = read(json.dumps(made.document)).playbook
    assert made.left_out == ()
    assert found.playbook_variables["__sender__"].external
    assert found.playbook_variables["__why__"].value == "Phishing"
    steps = {step.name: step for step in found.workflow.values()}
    assert steps["pause"].delay == 90_000
    ask = steps["ask"]
    assert isinstance(ask, Action)
    assert found.agent_definitions[ask.agent].name == "tier-2"
    assert found.markings is not None
    assert found.data_marking_definitions[found.markings[0]].tlpv2_level == "TLP:AMBER"
    assert found.playbook_processing_summary is not None
    assert found.playbook_processing_summary["temporal_logic"]


def test_what_cacao_has_no_word_for_is_told_with_its_place() -> None:
    places = {each.place for each in written("contain-ransomware").left_out}
    assert {"trigger", "steps.isolate.retry"} <= places
    tangled = MANUAL.replace("after: pause\n", 'after: pause\n    if: "`true`"\n')
    assert "steps.ask.if" in {each.place for each in write(tangled, CATALOGUE, ORIGIN).left_out}


def test_ways_that_do_not_nest_are_told() -> None:
    steps = "\n".join(
        f"  {name}: {{action: logic.set, with: {{values: {{}}}}{after}}}"
        for name, after in (
            ("a", ""),
            ("b", ""),
            ("c", ", after: a"),
            ("d", ", after: [a, b]"),
            ("e", ", after: b"),
        )
    )
    made = write(f"ringfence: 1\nname: Tangled\ntrigger: {{type: manual}}\nsteps:\n{steps}\n", CATALOGUE, ORIGIN)
    assert [each.place for each in made.left_out] == ["steps.d.after"]


def test_what_cannot_be_written_is_refused_with_what_to_do() -> None:
    with pytest.raises(Invalid) as caught:
        write("ringfence: 2", CATALOGUE, ORIGIN)
    assert caught.value.problems
    with pytest.raises(Invalid, match="without steps"):
        write("ringfence: 1\nname: x\ntrigger: {type: manual}\nsteps: {}", CATALOGUE, ORIGIN)
    with pytest.raises(Invalid, match="level of TLP"):
        Origin.of("p", "o", ORIGIN.created, ORIGIN.modified, "TLP:WHITE")
    many = "\n".join(f"  s{n}: {{action: logic.set, with: {{values: {{}}}}}}" for n in range(600))
    with pytest.raises(Invalid, match="more than 500"):
        write(f"ringfence: 1\nname: x\ntrigger: {{type: manual}}\nsteps:\n{many}\n", CATALOGUE, ORIGIN)
