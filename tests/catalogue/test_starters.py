"""The playbooks that come with Ringfence pass their own checks."""

from importlib.resources import files

import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.document import dump, read
from ringfence.playbooks.schedule import StepState, StepStatus, ready

STARTERS = sorted(
    (entry for entry in files("ringfence.playbooks").joinpath("starters").iterdir() if entry.name.endswith(".yaml")),
    key=lambda entry: entry.name,
)
every_starter = pytest.mark.parametrize("text", [entry.read_text("utf-8") for entry in STARTERS], ids=lambda _: "")


@every_starter
def test_a_starter_has_no_problem_of_any_kind_and_says_what_it_does(text: str) -> None:
    document = read(text)
    assert check(document, discover()) == []
    assert document.playbook is not None
    assert document.playbook.description


@every_starter
def test_a_starter_can_be_planned_and_written_again(text: str) -> None:
    playbook = read(text).playbook
    assert playbook is not None
    assert ready(compile_playbook(playbook, discover()), {}).run
    assert read(dump(playbook)).playbook == playbook


def test_the_ransomware_starter_contains_watches_and_releases() -> None:
    (text,) = (entry.read_text("utf-8") for entry in STARTERS if entry.name == "contain-ransomware.yaml")
    playbook = read(text).playbook
    assert playbook is not None
    plan = compile_playbook(playbook, discover())
    states: dict[str, StepState] = {}
    ran: list[str] = []
    while not (decision := ready(plan, states)).finished:
        states |= dict.fromkeys(decision.skip, StepState(StepStatus.SKIPPED))
        for name in decision.run:
            outcome = "yes" if plan.by_name[name].action == "logic.condition" else "success"
            states[name] = StepState(StepStatus.SUCCEEDED, outcome)
            ran.append(name)
    assert ran == [
        "facts",
        "machine",
        "known",
        "isolate",
        "comment_contained",
        "watch",
        "release",
        "comment_released",
    ]
