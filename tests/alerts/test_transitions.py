from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.alerts.transitions import ABOUT, Change, transitions
from ringfence.playbooks.model import AlertChange

C = Change
ALERT: dict[str, Any] = {
    "id": "da1_1",
    "severity": "Medium",
    "status": "New",
    "assignedTo": None,
    "classification": None,
    "determination": None,
    "investigationState": "Running",
    "machineId": "a" * 40,
    "evidence": [],
}
ORDER = ("UnSpecified", "Informational", "Low", "Medium", "High")
STATUSES = ("New", "InProgress", "Resolved")
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def between(before: dict[str, Any], after: dict[str, Any]) -> set[Change]:
    found = transitions(ALERT | before, ALERT | after)
    assert found[-1] is C.UPDATED
    return set(found[:-1])


def test_the_words_are_those_of_playbooks_and_each_is_explained() -> None:
    assert tuple(str(change) for change in Change) == get_args(AlertChange) or set(Change) == set(get_args(AlertChange))
    assert set(ABOUT) == set(Change)


def test_the_first_version_is_created_and_nothing_else() -> None:
    assert transitions(None, ALERT) == (C.CREATED,)


@pytest.mark.parametrize(("old", "new"), list(product(ORDER, ORDER)))
def test_severities_have_an_order(old: str, new: str) -> None:
    up, down = ORDER.index(new) > ORDER.index(old), ORDER.index(new) < ORDER.index(old)
    expected = {C.SEVERITY_RAISED} if up else {C.SEVERITY_LOWERED} if down else set()
    assert between({"severity": old}, {"severity": new}) == expected
    assert between({"severity": old.lower()}, {"severity": new.upper()}) == expected


@pytest.mark.parametrize("odd", ["Critical", None, 3, ["High"]])
def test_a_severity_that_is_not_known_is_neither_above_nor_below(odd: Any) -> None:
    assert between({"severity": odd}, {"severity": "High"}) == set()
    assert between({"severity": "High"}, {"severity": odd}) == set()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("New", "InProgress", set()),
        ("InProgress", "New", set()),
        ("New", "Resolved", {C.RESOLVED}),
        ("Unknown", "Resolved", {C.RESOLVED}),
        (None, "Resolved", {C.RESOLVED}),
        ("Resolved", "Resolved", set()),
        ("Resolved", "New", {C.REOPENED}),
        ("Resolved", "inProgress", {C.REOPENED}),
        ("Resolved", "Unknown", set()),
        ("Resolved", "SomethingNew", set()),
        ("Resolved", None, set()),
    ],
)
def test_resolved_and_reopened(old: Any, new: Any, expected: set[Change]) -> None:
    assert between({"status": old}, {"status": new}) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, "ada@contoso.com", {C.REASSIGNED}),
        ("ada@contoso.com", "bob@contoso.com", {C.REASSIGNED}),
        ("ada@contoso.com", None, {C.REASSIGNED}),
        ("ada@contoso.com", "Ada@Contoso.com", set()),
        (None, "", set()),
    ],
)
def test_reassigned(old: Any, new: Any, expected: set[Change]) -> None:
    assert between({"assignedTo": old}, {"assignedTo": new}) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((None, None), ("TruePositive", "Malware"), {C.CLASSIFIED}),
        (("Unknown", "NotAvailable"), ("FalsePositive", None), {C.CLASSIFIED}),
        (("TruePositive", "Malware"), ("TruePositive", "Phishing"), {C.CLASSIFIED}),
        (("TruePositive", "Malware"), ("truePositive", "malware"), set()),
        (("TruePositive", "Malware"), (None, None), set()),
        ((None, None), ("Unknown", "NotAvailable"), set()),
    ],
)
def test_classified(old: Any, new: Any, expected: set[Change]) -> None:
    names = ("classification", "determination")
    assert between(dict(zip(names, old, strict=True)), dict(zip(names, new, strict=True))) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"investigationState": "SuccessfullyRemediated"}, {C.REMEDIATED}),
        ({}, {"investigationState": "PartiallyRemediated"}, {C.REMEDIATED}),
        (
            {"investigationState": "PartiallyRemediated"},
            {"investigationState": "SuccessfullyRemediated"},
            set(),
        ),
        ({}, {"investigationState": "Failed"}, set()),
        ({"evidence": [{}]}, {"evidence": [{"remediationStatus": "remediated"}]}, {C.REMEDIATED}),
        (
            {"evidence": [{"detectionStatus": "Detected"}]},
            {"evidence": [{"detectionStatus": "Prevented"}]},
            {C.REMEDIATED},
        ),
        ({"evidence": [{"remediationStatus": "remediated"}]}, {"evidence": []}, set()),
    ],
)
def test_remediated(old: dict[str, Any], new: dict[str, Any], expected: set[Change]) -> None:
    assert between(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"machineId": None}, {}, {C.MACHINE_ADDED}),
        ({"machineId": ""}, {}, {C.MACHINE_ADDED}),
        ({}, {"machineId": "b" * 40}, {C.MACHINE_ADDED}),
        ({}, {"evidence": [{"mdeDeviceId": "b" * 40}]}, {C.MACHINE_ADDED}),
        ({}, {"evidence": [{"mdeDeviceId": "A" * 40}]}, set()),
        ({}, {"machineId": None}, set()),
    ],
)
def test_machine_added(old: dict[str, Any], new: dict[str, Any], expected: set[Change]) -> None:
    assert between(old, new) == expected


def test_several_things_may_happen_at_once_and_what_says_most_is_first() -> None:
    found = transitions(ALERT, ALERT | {"severity": "High", "status": "Resolved", "assignedTo": "ada@contoso.com"})
    assert found == (C.SEVERITY_RAISED, C.RESOLVED, C.REASSIGNED, C.UPDATED)


DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "severity": st.sampled_from(ORDER) | JSON,
        "status": st.sampled_from(STATUSES) | JSON,
        "assignedTo": st.sampled_from(("ada@contoso.com", "bob@contoso.com")) | JSON,
        "classification": st.sampled_from(("TruePositive", "Unknown")) | JSON,
        "investigationState": st.sampled_from(("Running", "SuccessfullyRemediated")) | JSON,
        "machineId": st.sampled_from(("a", "b")) | JSON,
        "evidence": st.lists(st.dictionaries(st.sampled_from(("remediationStatus", "mdeDeviceId")), JSON)) | JSON,
    },
)


@given(DOCUMENTS, DOCUMENTS)
def test_no_two_documents_contradict_themselves(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = set(transitions(one, other)), set(transitions(other, one))
    assert C.UPDATED in there
    assert C.CREATED not in there
    assert not {C.SEVERITY_RAISED, C.SEVERITY_LOWERED} <= there
    assert not {C.REOPENED, C.RESOLVED} <= there
    assert (C.SEVERITY_RAISED in there) == (C.SEVERITY_LOWERED in back)
    assert C.REOPENED not in there or C.RESOLVED in back
    assert (C.REASSIGNED in there) == (C.REASSIGNED in back)


@given(DOCUMENTS)
def test_what_did_not_change_is_only_an_update(document: dict[str, Any]) -> None:
    assert transitions(document, dict(document)) == (C.UPDATED,)
