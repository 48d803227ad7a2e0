"""Policies are laid over each other, and each line says where it comes from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.containment.layers import Effective, Layer, check, differences, effective, fields
from ringfence.containment.policy import Guard, Policy
from ringfence.errors import Invalid


def laid(*documents: dict[str, Any]) -> Effective:
    names = ("provider", "organization", "device group Plant")
    return effective([Layer(name, document) for name, document in zip(names, documents, strict=False)])


def origins(found: Effective, field: str) -> tuple[str, ...]:
    return next(line.origins for line in found.lines if line.field == field)


def test_without_layers_the_defaults_count_and_say_so() -> None:
    found = laid()
    assert found.policy == Policy()
    assert {line.origins for line in found.lines} == {("default",)}
    assert [line.field for line in found.lines] == list(fields())


def test_the_nearest_layer_wins() -> None:
    found = laid({"max_per_hour": 5, "servers": "refuse"}, {"max_per_hour": 20}, {"servers": "allow"})
    assert found.policy.max_per_hour == 20
    assert found.policy.servers is Guard.ALLOW
    assert origins(found, "max_per_hour") == ("organization",)
    assert origins(found, "servers") == ("device group Plant",)


def test_what_is_protected_adds_up() -> None:
    found = laid({"protected_tags": ["A"]}, {"protected_tags": ["B", "A"]}, {"protected_names": ["x"]})
    assert found.policy.protected_tags == ("A", "B")
    assert origins(found, "protected_tags") == ("provider", "organization")


def test_the_kill_switch_of_any_layer_counts_and_a_lower_one_cannot_take_it_off() -> None:
    found = laid({"frozen": True}, {"frozen": False})
    assert found.policy.frozen
    assert origins(found, "frozen") == ("provider",)
    assert origins(laid({}, {"frozen": True}), "frozen") == ("organization",)


def test_a_locked_field_stays_and_who_tried_is_named() -> None:
    found = laid({"max_per_hour": 5, "locked": ["max_per_hour", "approvals.count"]}, {"max_per_hour": 50})
    assert found.policy.max_per_hour == 5
    assert found.overruled == ("organization sets max_per_hour, which provider has locked.",)
    assert laid({"locked": ["approvals.count"]}, {"approvals": {"count": 3}}).policy.approvals.count == 1


def test_parts_are_laid_field_by_field() -> None:
    found = laid({"approvals": {"count": 2}}, {"approvals": {"always": True}})
    assert found.policy.approvals.count == 2
    assert found.policy.approvals.always
    assert origins(found, "approvals.count") == ("provider",)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"locked": "all"}, "locked"),
        ({"locked": ["no_such_field"]}, "no_such_field"),
        ({"colour": "red"}, "colour"),
        ({"approvals": {"count": "many"}}, "approvals.count"),
        ({"protected_tags": "DC"}, "protected_tags"),
    ],
)
def test_a_document_that_cannot_be_a_layer_is_refused_with_each_problem(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(document)
    assert any(problem in each for each in refused.value.problems)


documents = st.fixed_dictionaries(
    {},
    optional={
        "frozen": st.booleans(),
        "max_per_hour": st.integers(0, 50),
        "servers": st.sampled_from([guard.value for guard in Guard]),
        "protected_tags": st.lists(st.sampled_from("abc"), max_size=3),
        "locked": st.lists(st.sampled_from(["max_per_hour", "servers"]), max_size=2),
    },
)


@given(st.lists(documents, max_size=3))
def test_no_lower_layer_unprotects_or_thaws(layers: list[dict[str, Any]]) -> None:
    found = laid(*layers).policy
    assert found.frozen == any(each.get("frozen") for each in layers)
    for each in layers:
        assert set(each.get("protected_tags", ())) <= set(found.protected_tags)
    if layers and "servers" in layers[0].get("locked", ()):
        assert found.servers == layers[0].get("servers", Policy().servers.value)


def test_differences_name_each_field_once_and_tell_lists_apart() -> None:
    before = {"mode": "any", "protected_tags": ["A", "B"], "approvals": {"count": 2}, "max_per_hour": None}
    after = {"mode": "any", "protected_tags": ["B", "C"], "approvals": {"always": True}, "locked": ["mode"]}
    found = {each.field: each for each in differences(before, after)}
    assert set(found) == {"protected_tags", "approvals.always", "approvals.count", "max_per_hour", "locked"}
    assert (found["protected_tags"].added, found["protected_tags"].removed) == (("C",), ("A",))
    assert (found["approvals.count"].before, found["approvals.count"].after) == (2, None)
    assert (found["locked"].added, found["locked"].removed) == (("mode",), ())
    assert differences(after, after) == ()
