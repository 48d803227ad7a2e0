"""The constructs of CACAO as steps of ours: what leads where, and what is asked of people."""

from typing import Any

import pytest

from cacao_samples import END, action, cacao, ident, text
from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid
from ringfence.playbooks.cacao.taking import Taken, take
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Step
from ringfence.playbooks.problems import has_errors

CATALOGUE = discover()
A, B, C, D = (ident("action", number) for number in (31, 32, 33, 34))
FORK, ENDS = ident("parallel", 35), [ident("end", number) for number in (36, 37, 38)]
IF, SWITCH, LOOP = ident("if-condition", 39), ident("switch-condition", 40), ident("while-condition", 41)
OTHER = ident("playbook-action", 42)
GIVEN = {"__os__": {"type": "string", "external": True}}


def taken(workflow: dict[str, Any], **more: Any) -> Taken:
    ends = {end: {"type": "end"} for end in ENDS}
    made = take(text(cacao({**workflow, **ends}, **more)), CATALOGUE)
    assert not has_errors(check_text(made.source, CATALOGUE)), check_text(made.source, CATALOGUE)
    return made


def steps(made: Taken) -> dict[str, Step]:
    found = read(made.source).playbook
    assert found is not None
    return dict(found.steps)


def test_success_and_failure_lead_to_their_own_steps() -> None:
    found = steps(taken({A: action("a", on_success=B, on_failure=C), B: action("b"), C: action("c")}))
    assert found["b"].after == ("a.approved",)
    assert (found["c"].after, found["c"].join) == (("a.rejected", "a.expired"), "any")


def test_failures_without_a_way_of_their_own_lead_to_the_handler_of_exceptions() -> None:
    made = taken({A: action("a", on_completion=B), B: action("b"), C: action("c")}, workflow_exception=C)
    assert steps(made)["c"].after == ("a.rejected", "a.expired", "b.rejected", "b.expired")


def test_branches_side_by_side_meet_in_a_step_that_waits_for_all() -> None:
    fork = {"type": "parallel", "name": "both", "next_steps": [B, C], "on_completion": D}
    found = steps(taken({A: action("a", on_completion=FORK), FORK: fork, **_branches(), D: action("d")}))
    assert found["b"].after == found["c"].after == ("a.approved",)
    assert (found["both_together"].after, found["both_together"].join) == (("b.approved", "c.approved"), "all")
    assert found["d"].after == ("both_together",)


def test_a_workflow_may_begin_with_branches() -> None:
    found = steps(taken({FORK: {"type": "parallel", "next_steps": [B, C]}, **_branches()}))
    assert [(name, step.after) for name, step in found.items()] == [("b", ()), ("c", ())]


def test_a_condition_on_what_is_given_is_evaluated_and_any_other_asked() -> None:
    condition = {"type": "if-condition", "name": "Windows", "on_true": B, "on_false": C, "on_completion": D}
    workflow = {**_branches(), D: action("d")}
    made = taken({IF: {**condition, "condition": "__os__:value = 'Windows'"}, **workflow}, playbook_variables=GIVEN)
    found = steps(made)
    assert found["Windows"].with_ == {"test": 'trigger.input.os == `"Windows"`'}
    assert (found["b"].after, found["c"].after) == (("Windows.yes",), ("Windows.no",))
    assert (set(found["d"].after), found["d"].join) == ({"b.approved", "c.approved"}, "any")
    asked = taken({IF: {**condition, "condition": "file:name = 'x.exe'"}, **workflow})
    assert steps(asked)["Windows"].action == "logic.approval"
    assert f"/workflow/{IF}/condition" in {each.place for each in asked.left_out}


def test_a_switch_asks_case_by_case_and_falls_back_to_its_default() -> None:
    switch = {"type": "switch-condition", "name": "os", "switch": "__os__:value", "cases": {"Linux": B, "default": C}}
    found = steps(taken({SWITCH: switch, **_branches()}, playbook_variables=GIVEN))
    assert (found["b"].after, found["c"].after) == (("os.yes",), ("os.no",))
    unknown = taken(
        {SWITCH: {**switch, "switch": "__risk__:value", "cases": {"High": B}, "on_completion": C}, **_branches()}
    )
    found = steps(unknown)
    assert found["os"].with_["question"] == "Is __risk__:value equal to 'High'?"
    assert set(found["c"].after) == {"b.approved", "os.rejected"}


def test_a_loop_is_done_once_and_that_is_told() -> None:
    loop = {
        "type": "while-condition",
        "name": "again",
        "condition": "file:name = 'x'",
        "on_true": B,
        "on_completion": D,
    }
    made = taken({LOOP: loop, **_branches(), D: action("d")})
    assert set(steps(made)["d"].after) == {"b.approved", "again.rejected"}
    assert f"/workflow/{LOOP}" in {each.place for each in made.left_out}


def test_delays_and_limits_of_time_are_kept_and_bounded() -> None:
    made = taken({A: action("a", delay=1_500, timeout=60_000, on_completion=B), B: action("b", delay=10**12)})
    found = steps(made)
    assert found["a_delay"].with_ == {"duration": "1500 ms"}
    assert (found["a"].after, found["a"].with_["timeout"]) == (("a_delay",), "60 s")
    assert found["b_delay"].with_ == {"duration": "2592000 s"}
    assert f"/workflow/{B}/delay" in {each.place for each in made.left_out}


def test_another_playbook_is_run_by_a_person() -> None:
    made = taken({OTHER: {"type": "playbook-action", "name": "Other", "playbook_id": ident("playbook", 50)}})
    assert made.by_hand == ("Other",)
    assert f"/workflow/{OTHER}/playbook_id" in {each.place for each in made.left_out}


def test_a_step_that_several_branches_share_stands_for_each_and_that_is_told() -> None:
    fork = {"type": "parallel", "next_steps": [B, C]}
    made = taken({FORK: fork, B: action("b", on_completion=D), C: action("c", on_completion=D), D: action("d")})
    assert [name for name in steps(made) if name.startswith("d")] == ["d", "d_2"]
    assert f"/workflow/{D}" in {each.place for each in made.left_out}


def test_what_the_format_knows_and_we_do_not_is_told_with_its_place() -> None:
    odd = action(
        "a",
        owner=ident("identity", 7),
        step_variables={"__x__": {"type": "string"}},
        external_references=[{"name": "x"}],
        step_extensions={ident("extension-definition", 60): {"contoso": 1}},
        contoso=1,
    )
    places = {each.place.removeprefix(f"/workflow/{A}/") for each in taken({A: odd}).left_out}
    extension = f"step_extensions/{ident('extension-definition', 60)}"
    assert places == {"owner", "step_variables/__x__", "external_references/0", extension, "contoso"}


def test_a_very_long_command_is_cut_in_the_question_and_kept_in_the_note() -> None:
    long = {"type": "bash", "command": "echo ${x}" * 1_000}
    found = steps(taken({A: action("a", long)}))["a"]
    assert len(str(found.with_["question"])) < 2_000
    assert found.note is not None
    assert long["command"] in found.note


def test_tangles_that_would_grow_without_end_are_refused() -> None:
    forks = [ident("parallel", 100 + number) for number in range(40)]
    after = [*forks[1:], A]
    tangled = {
        fork: {"type": "parallel", "next_steps": [target, target]} for fork, target in zip(forks, after, strict=True)
    }
    with pytest.raises(Invalid, match=r"meet too often|more than"):
        taken({**tangled, A: action("a")})
    deep = {fork: {"type": "parallel", "next_steps": [target, END]} for fork, target in zip(forks, after, strict=True)}
    many = [ident("parallel", 200 + number) for number in range(60)]
    deep |= {
        fork: {"type": "parallel", "next_steps": [target, END]}
        for fork, target in zip(many, [*many[1:], forks[0]], strict=True)
    }
    with pytest.raises(Invalid, match="nested more than"):
        taken({**deep, A: action("a")}, first=many[0])


def _branches() -> dict[str, Any]:
    return {B: action("b", on_completion=ENDS[0]), C: action("c", on_completion=ENDS[1])}
