import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from ringfence.playbooks.document import dump, read
from ringfence.playbooks.durations import Duration
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.problems import Problem, Severity

GOOD = """\
ringfence: 1   # the language
name: Example
trigger:
  type: defender.alert
  account: contoso
  status: [New]
  poll_interval: 1 min
steps:
  machine:
    action: defender.get_machine
    with: {machine: "${trigger.alert.machineId}"}
  known:
    after: machine
    if: steps.machine
    action: logic.condition
    with:
      test: steps.machine.id == 'x'
    retry: {attempts: 3, backoff: 10 s}
    timeout: 30 min
"""


def _problems(text: str) -> tuple[Problem, ...]:
    document = read(textwrap.dedent(text))
    assert document.playbook is None
    assert all(problem.severity is Severity.ERROR for problem in document.problems)
    return document.problems


def _only(text: str) -> Problem:
    (problem,) = _problems(text)
    return problem


def _head(rest: str) -> str:
    return "ringfence: 1\nname: Example\ntrigger: {type: manual}\n" + textwrap.dedent(rest)


def test_a_good_document_gives_a_playbook_and_no_problems() -> None:
    document = read(GOOD)
    assert document.problems == ()
    assert document.playbook is not None
    assert document.playbook.steps["known"].if_ == "steps.machine"
    assert document.playbook.steps["known"].timeout == Duration.parse("30 min")


def test_the_place_of_any_value_can_be_asked() -> None:
    document = read(GOOD)
    assert document.place(("steps", "known", "with", "test")).line == 17
    assert document.place(("steps", "known"), of_key=True).line == 12
    assert document.place(("steps", "known", "with", "nowhere")).line == 17


def test_an_unknown_key_is_found_at_its_place_with_a_suggestion() -> None:
    problem = _only(_head("steps:\n  one:\n    action: a.b\n    retri: {}\n"))
    assert (problem.code, problem.line, problem.column) == ("unknown-key", 7, 5)
    assert (problem.step, problem.field) == ("one", "retri")
    assert problem.advice == "Did you mean 'retry'?"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        (_head("stepz: {}"), "steps"),
        (_head("steps: {one: {action: a.b, wiht: {}}}"), "with"),
        (_head("steps: {one: {action: a.b, retry: {atempts: 1}}}"), "attempts"),
        ("ringfence: 1\nname: x\ntrigger: {type: defender.alert, sevrity: High}", "severity"),
        ("ringfence: 1\nname: x\ntrigger: {type: manual, nam: x}", "name"),
        ("ringfence: 1\nname: x\ntrigger: {type: manual, inputs: {a: {requird: true}}}", "required"),
        (_head("limits: {concurent: 1}"), "concurrent"),
    ],
)
def test_suggestions_fit_the_place(text: str, suggestion: str) -> None:
    assert _only(text).advice == f"Did you mean {suggestion!r}?"


def test_a_key_unlike_any_other_gets_no_suggestion() -> None:
    assert _only(_head("zzzzz: 1")).advice.startswith("Remove it; what may stand here: ringfence, kind, name, ")
    advice = _only(_head("limits: {zzzzz: 1}")).advice
    assert advice == "Remove it; what may stand here: concurrent, one_per_machine, excess."


def test_missing_keys_say_what_to_add() -> None:
    problems = _problems("description: x")
    assert [problem.field for problem in problems] == ["name", "ringfence", "trigger"]
    assert "trigger: {type: manual}" in problems[2].advice
    assert _only(_head("steps: {one: {after: []}}")).advice.startswith("Say what the step does")
    assert "defender.alert" in _only("ringfence: 1\nname: x\ntrigger: {name: x}").advice


def test_a_wrong_word_lists_the_right_ones() -> None:
    problem = _only("ringfence: 1\nname: x\ntrigger:\n  type: defender.alert\n  severity: [Hihg]")
    assert (problem.code, problem.line, problem.column) == ("wrong-value", 5, 14)
    assert problem.message.endswith("UnSpecified, Informational, Low, Medium, High.")
    assert problem.advice == "Did you mean High?"


def test_an_unknown_trigger_is_found_at_its_type() -> None:
    problem = _only("ringfence: 1\nname: x\ntrigger:\n  name: x\n  type: defender.alrt")
    assert (problem.line, problem.column, problem.advice) == (5, 9, "Did you mean defender.alert?")


def test_a_bad_duration_is_found_at_its_value() -> None:
    problem = _only(_head("steps: {one: {action: a.b, timeout: soon}}"))
    assert (problem.code, problem.step, problem.field) == ("bad-duration", "one", "timeout")
    assert problem.column == 37


def test_a_bad_name_of_a_step_is_found_at_the_name() -> None:
    problem = _only(_head("steps:\n  ask-tier-2: {action: a.b}"))
    assert (problem.line, problem.column, problem.step) == (5, 3, "ask-tier-2")


@pytest.mark.parametrize(
    "rest",
    [
        "steps: []",
        "steps: {one: 1}",
        "steps: {one: {action: 3}}",
        "steps: {one: {action: a.b, with: []}}",
        "steps: {one: {action: a.b, after: {a: 1}}}",
        "steps: {one: {action: a.b, after: [1]}}",
        "steps: {one: {action: a.b, retry: {attempts: many}}}",
        "steps: {one: {action: a.b, retry: {attempts: 1.5}}}",
        "description: 5",
        "layout: 5",
    ],
)
def test_a_wrong_kind_of_value_says_what_it_should_be(rest: str) -> None:
    problem = _only(_head(rest))
    assert problem.code == "wrong-type"
    assert "should be" in problem.message


@pytest.mark.parametrize("text", ["- a", "5", "just text", "null"])
def test_something_else_than_a_mapping_is_not_a_playbook(text: str) -> None:
    assert _only(text).code == "not-a-playbook"


def test_a_text_that_is_not_yaml_is_one_problem() -> None:
    problem = _only("a: [")
    assert (problem.code, problem.line, problem.column) == ("bad-yaml", 1, 5)


def test_an_offset_counts_only_where_the_source_shows_the_value() -> None:
    document = read(_head("steps:\n  one: {action: 'a.b', if: x}\n  two:\n    action: \"a\\x2eb\"\n"))
    at_quoted = document.problem("c", Severity.ERROR, "m", path=("steps", "one", "action"), offset=2)
    at_plain = document.problem("c", Severity.ERROR, "m", path=("steps", "one", "if"), offset=1)
    at_escaped = document.problem("c", Severity.ERROR, "m", path=("steps", "two", "action"), offset=2)
    assert [at_quoted.column, at_plain.column, at_escaped.column] == [20, 29, 13]


@given(text=st.text() | st.text(alphabet="ab: -\n\t[]{}&*!|>'\"%#?,@`\\~0.x1", max_size=200))
@settings(max_examples=500)
def test_no_text_raises(text: str) -> None:
    document = read(text)
    assert (document.playbook is None) == bool(document.problems)
    for problem in document.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message


@given(data=st.data())
@settings(max_examples=300)
def test_no_damage_to_a_good_document_raises(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD)))
    gone = data.draw(st.integers(0, 8))
    read(GOOD[:at] + data.draw(st.text(max_size=6)) + GOOD[at + gone :])


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20) | st.sampled_from(
    ["null", "yes", "12", "1:30", "# x", "a: b", "- a", "${a.b}", "a\nb\n", " x", "x ", "\u2028", "\x85", ".5e3", "0b1"]
)
_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)
_steps = st.builds(
    lambda **changes: {key: value for key, value in changes.items() if value is not None},
    action=_texts,
    after=st.none() | _texts | st.lists(_texts, max_size=3),
    note=st.none() | _texts,
    timeout=st.sampled_from([None, "10 s", "1.5 h"]),
    retry=st.sampled_from([None, {}, {"attempts": 2}, {"backoff": "1 min"}]),
    join=st.sampled_from(["all", "any"]),
) | st.builds(
    lambda action, values: {"action": action, "with": values}, _texts, st.dictionaries(_texts, _values, max_size=3)
)


@given(
    name=_texts, steps=st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), _steps, max_size=4)
)
@settings(max_examples=100)
def test_what_is_written_reads_back_equal(name: str, steps: dict[str, JsonValue]) -> None:
    trigger = {"type": "defender.alert", "status": ["New"], "where": "contains(alert.title, 'x: y')"}
    playbook = Playbook.model_validate({"ringfence": 1, "name": name, "trigger": trigger, "steps": steps})
    again = read(dump(playbook))
    assert again.problems == ()
    assert again.playbook == playbook


def test_writing_keeps_plain_words_plain_and_the_order_of_the_steps() -> None:
    playbook = read(GOOD).playbook
    assert playbook is not None
    text = dump(playbook)
    assert text.startswith("ringfence: 1\nname: Example\ntrigger:\n  type: defender.alert\n")
    assert "    after: machine\n" in text
    assert "    timeout: 30 min\n" in text
    assert '      machine: "${trigger.alert.machineId}"\n' in text
    assert text.index("  machine:") < text.index("  known:")


COMPONENT = """\
ringfence: 1
kind: component
name: Look up a host
inputs:
  machine: {type: string, required: true}
outputs:
  risk: {type: string, value: "${steps.machine.riskScore}"}
steps:
  machine:
    action: defender.get_machine
    with: {machine: "${inputs.machine}"}
"""


def test_a_component_has_inputs_and_outputs_and_no_trigger() -> None:
    document = read(COMPONENT)
    assert document.problems == ()
    assert document.playbook is not None
    assert document.playbook.inputs["machine"].required
    assert read(dump(document.playbook)).playbook == document.playbook
    problem = _only(COMPONENT + "trigger: {type: manual}\n")
    assert (problem.code, problem.line, problem.field) == ("misplaced-key", 12, "trigger")


def test_only_a_component_has_inputs_and_outputs() -> None:
    problem = _only(_head("inputs: {a: {type: string}}"))
    assert (problem.code, problem.line, problem.field) == ("misplaced-key", 4, "inputs")
    assert _only(_head("outputs: {a: {type: string, value: x}}")).field == "outputs"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("{machine: {type: string, requird: true}}", "'required'"), ("{machine: {type: strng}}", "string")],
)
def test_an_input_that_is_mistyped_is_corrected(text: str, suggestion: str) -> None:
    problem = _only(f"ringfence: 1\nkind: component\nname: x\ninputs: {text}\n")
    assert problem.advice == f"Did you mean {suggestion}?"


def test_an_input_or_output_without_a_type_is_told_which_there_are() -> None:
    for text in ("inputs: {a: {required: true}}", 'outputs: {a: {value: "${inputs}"}}'):
        problem = _only(f"ringfence: 1\nkind: component\nname: x\n{text}\n")
        assert problem.advice == "Say what the value is: `string`, `number`, `boolean`, `list`, `object`."
