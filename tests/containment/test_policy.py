from typing import Any

import pytest

from ringfence.containment.policy import Facts, Policy, decide
from ringfence.errors import Invalid

SOUND: dict[str, Any] = {
    "machine_id": "a" * 40,
    "name": "wks-001.contoso.com",
    "tags": (),
    "os_platform": "Windows11",
    "onboarding_status": "Onboarded",
    "health_status": "Active",
    "last_seen": None,
    "excluded": False,
    "merged_into": None,
    "decided_last_hour": 0,
}


def facts(**values: Any) -> Facts:
    return Facts(**SOUND | values)


def test_a_sound_host_is_allowed_with_the_facts_that_the_verdict_rests_on() -> None:
    verdict = decide(Policy(), facts())
    assert verdict.allowed
    document = verdict.document()
    assert document["allowed"] is True
    assert document["facts"]["machine_id"] == "a" * 40
    assert document["reasons"] == list(verdict.reasons)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"merged_into": "b" * 40}, "merged this record into"),
        ({"excluded": True}, "lists this device as excluded"),
        ({"onboarding_status": "CanBeOnboarded"}, "its status is CanBeOnboarded"),
        ({"onboarding_status": None}, "its status is unknown"),
        ({"tags": None}, "tags of the device are not known"),
        ({"tags": ("Blue", "domain controller")}, "protected by its tag 'domain controller'"),
        ({"tags": (" Ringfence-Protected ",)}, "Ringfence-Protected"),
        ({"tags": ("\uff24\uff2e\uff33",)}, "policy: DNS"),
        ({"decided_last_hour": 10}, "the limit is 10"),
        ({"decided_last_hour": 11}, "the limit is 10"),
    ],
)
def test_each_reason_against_is_a_sentence(values: dict[str, Any], reason: str) -> None:
    verdict = decide(Policy(), facts(**values))
    assert not verdict.allowed
    assert len(verdict.reasons) == 1
    assert reason in verdict.reasons[0]


def test_every_reason_is_named_and_not_just_the_first() -> None:
    verdict = decide(Policy(), facts(tags=("Backup", "DNS"), excluded=True, decided_last_hour=99))
    assert len(verdict.reasons) == 4


@pytest.mark.parametrize("name", ["DC-01", "dc-01.contoso.com", "dc-02", "Dc-99.fabrikam.com.", "vip"])
def test_a_protected_name_protects_as_a_whole_name_and_as_its_first_label(name: str) -> None:
    policy = Policy(protected_names=("dc-*", "VIP"))
    assert not decide(policy, facts(name=name)).allowed


@pytest.mark.parametrize("name", ["adc-01", "vip2", "wks-001.vip", "my-dc-01"])
def test_a_name_that_only_contains_a_protected_one_is_not_protected(name: str) -> None:
    assert decide(Policy(protected_names=("dc-*", "vip")), facts(name=name)).allowed


def test_an_unknown_name_is_refused_only_where_names_are_protected() -> None:
    assert decide(Policy(), facts(name=None)).allowed
    refused = decide(Policy(protected_names=("dc-01",)), facts(name=None))
    assert "name of the device is not known" in refused.reasons[0]


@pytest.mark.parametrize("tag", ["[Prod]", "a?b", "a.b", "x\ny", "(unclosed", "back\\slash"])
def test_only_the_star_is_special_in_a_pattern(tag: str) -> None:
    assert not decide(Policy(protected_tags=(tag,)), facts(tags=(tag.upper(),))).allowed
    assert decide(Policy(protected_tags=("[Prod]", "a?b", "a.b")), facts(tags=("P", "axb"))).allowed


def test_a_limit_of_none_an_hour_stops_everything() -> None:
    assert not decide(Policy(max_per_hour=0), facts()).allowed


def test_a_stored_document_is_read_or_refused_with_each_problem() -> None:
    assert Policy.read({}) == Policy()
    assert Policy.read({"protected_tags": [], "max_per_hour": 3}).max_per_hour == 3
    with pytest.raises(Invalid) as refused:
        Policy.read({"max_per_hour": -1, "protected_tag": ["x"]})
    assert sorted(problem.partition(":")[0] for problem in refused.value.problems) == ["max_per_hour", "protected_tag"]
