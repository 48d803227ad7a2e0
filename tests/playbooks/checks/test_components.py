import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Called, Installation
from ringfence.playbooks.model import Playbook

LOOK = """\
ringfence: 1
kind: component
name: Look
inputs:
  machine: {type: string, required: true}
  limit: {type: number, default: 5}
outputs:
  risk: {type: string, value: "${steps.machine.riskScore}"}
steps:
  machine: {action: defender.get_machine, with: {machine: "${inputs.machine}"}}
"""


def _here(**texts: str) -> Installation:
    found: dict[Called, Playbook] = {}
    for name, text in texts.items():
        component = read(text).playbook
        assert component is not None
        found[name, "1.0"] = component
    return Installation(components=found)


def _problems(text: str, **components: str) -> list[tuple[str, str, str]]:
    found = check_text(text, discover(), _here(**{"Look": LOOK, **components}))
    return [(problem.code, problem.message, problem.advice) for problem in found]


def _calling(inputs: str, more: str = "") -> str:
    return example(
        f"look: {{action: playbook.call, with: {{component: Look, version: '1.0', inputs: {inputs}}}{more}}}"
    )


@pytest.mark.parametrize("inputs", ["{machine: abc}", "{machine: '${trigger.by}', limit: 3}", "'${trigger.input}'"])
def test_a_call_that_fits_has_no_problem(inputs: str) -> None:
    assert _problems(_calling(inputs)) == []


@pytest.mark.parametrize(
    ("inputs", "message", "advice"),
    [
        ("{}", "The input 'machine' is required.", "See the inputs of 'Look'."),
        ("{machine: 5}", "The input 'machine' is a text, not a number.", "See the inputs of 'Look'."),
        (
            "{machine: abc, limti: 5}",
            "There is no input 'limti'; there are: machine, limit.",
            "Did you mean 'limit'?",
        ),
        (
            "{machine: abc, limti: '${trigger.x}'}",
            "There is no input 'limti'; there are: machine, limit.",
            "Did you mean 'limit'?",
        ),
    ],
)
def test_a_call_that_does_not_fit_is_told_before_any_run(inputs: str, message: str, advice: str) -> None:
    assert _problems(_calling(inputs)) == [("wrong-call", message, advice)]


def test_without_an_installation_calls_are_not_judged() -> None:
    assert check_text(_calling("{}"), discover()) == []


def test_a_version_without_quotes_is_no_version() -> None:
    text = example("look: {action: playbook.call, with: {component: Look, version: 1.10, inputs: {machine: a}}}")
    assert "wrong-parameter" in {code for code, _, _ in _problems(text)}


def test_only_components_are_called() -> None:
    playbook = example("one: {action: logic.set, with: {values: {}}}", name="Look")
    (problem,) = [each for each in _problems(_calling("{}"), Look=playbook) if each[0] == "unknown-component"]
    assert problem[1] == "'Look' 1.0 is a playbook."


def test_a_call_may_have_a_time_be_tried_again_and_stand_in_a_loop_with_a_component_that_has_one() -> None:
    assert _problems(_calling("{machine: a}", ", timeout: 5 min, retry: {attempts: 3}")) == []
    looped = LOOK.replace("steps:\n", "steps:\n  all: {action: logic.set, for_each: '${[1]}', with: {values: {}}}\n")
    call = _calling("{machine: '${item}'}", ", for_each: '${trigger.machines}', retry: {attempts: 2}")
    assert _problems(call, Look=looped) == []
    assert [code for code, _, _ in _problems(_calling("{machine: a}", ", retry: {attempts: 21}"))] == ["retry-bounds"]


def test_a_component_that_is_reached_again_is_refused_with_the_way() -> None:
    again = "ringfence: 1\nkind: component\nname: Example\nsteps:\n  one: {action: logic.set, with: {values: {}}}\n"
    call = example("go: {action: playbook.call, with: {component: Again, version: '1.0'}}")
    (problem,) = _problems(call, Again=again)
    assert problem[0] == "deep-call"
    assert "Example ▸ Example" in problem[1]


def test_an_input_that_is_not_declared_is_found_wherever_it_is_looked_at() -> None:
    text = LOOK.replace("inputs.machine", "inputs.machin").replace("${steps.machine.riskScore}", "${inputs.limt}")
    assert [(code, advice) for code, _, advice in _problems(text)] == [
        ("unknown-input", "Did you mean inputs.limit?"),
        ("unknown-input", "Did you mean inputs.machine?"),
    ]


def test_a_playbook_has_no_inputs_but_those_of_its_trigger() -> None:
    (problem,) = _problems(example("one: {action: logic.set, if: inputs.host, with: {values: {}}}"))
    assert problem == (
        "unknown-input",
        "A playbook has no `inputs`.",
        "Write trigger.input.host for what a person gave at the start.",
    )


def test_an_output_whose_expression_is_wrong_is_found_at_its_place() -> None:
    text = LOOK.replace("${steps.machine.riskScore}", "${steps..x}")
    (problem,) = check_text(text, discover())
    assert (problem.code, problem.line, problem.field) == ("bad-output", 8, "outputs.risk.value")
    (unknown,) = check_text(LOOK.replace("${steps.machine.riskScore}", "${step.machine}"), discover())
    assert (unknown.code, unknown.message) == ("bad-output", "There is no variable 'step'.")
