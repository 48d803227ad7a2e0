from dataclasses import replace
from typing import Any

import pytest

from ringfence.containment.policy import Guard, Mode, Policy
from ringfence.containment.verdict import Facts, Outcome, decide, is_server

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
    "unseen_seconds": 60.0,
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


@pytest.mark.parametrize(
    ("policy", "values", "reason"),
    [
        ({"frozen": True}, {}, "kill switch"),
        ({"mode": Mode.NONE}, {}, "no containment at all"),
        ({"mode": Mode.TAGGED}, {"tags": ("Blue",)}, "only hosts with the tag Ringfence-Contain"),
        ({"mode": Mode.TAGGED, "contain_tags": ()}, {"tags": ("Blue",)}, "none is named"),
        ({"protected_groups": ("Plant *",)}, {"device_group": "plant 7"}, "protected by its group 'plant 7'"),
        ({"protected_groups": ("Plant *",)}, {}, "device group is not known"),
        ({"incident_required": True}, {}, "promoted to an incident"),
        ({"servers": Guard.REFUSE}, {"os_platform": "WindowsServer2022"}, "Policy refuses such hosts"),
        ({"max_per_hour_and_playbook": 2}, {"playbook": "Contain", "decided_for_playbook": 2}, "playbook Contain"),
        ({"max_per_hour_and_group": 1}, {"device_group": "Plant", "decided_in_group": 1}, "device group Plant"),
        ({"max_share_of_fleet": 0.05}, {"held_now": 5, "fleet": 100}, "5 of 100 hosts are cut off"),
        ({"max_share_of_fleet": 0.01}, {"held_now": 0, "fleet": 50}, "1.0% of the fleet"),
    ],
)
def test_policy_refuses_with_the_reason(policy: dict[str, Any], values: dict[str, Any], reason: str) -> None:
    verdict = decide(Policy(**policy), facts(**values))
    assert verdict.outcome is Outcome.DENIED
    assert len(verdict.reasons) == 1
    assert reason in verdict.reasons[0]


@pytest.mark.parametrize(
    ("policy", "values", "reason"),
    [
        ({}, {"os_platform": "WindowsServer2022"}, "server's operating system (WindowsServer2022)"),
        ({}, {"os_platform": "Ubuntu"}, "server's operating system (Ubuntu)"),
        ({}, {"os_platform": None}, "may be a server"),
        ({}, {"device_value": "High"}, "value as High"),
        ({}, {"unseen_seconds": 8 * 86_400.0}, "not heard of the device for more than 7 d"),
        ({}, {"unseen_seconds": None}, "last heard of the device is not known"),
        ({"domain_admins": Guard.ASK}, {"domain_admin": True}, "domain administrator is logged on"),
        ({"domain_admins": Guard.REFUSE}, {"domain_admin": None}, "is not known"),
        ({"vpn_tags": ("VPN",)}, {"tags": ("vpn",)}, "VPN only (tag 'vpn')"),
        ({"max_share_of_fleet": 0.05}, {"fleet": None}, "How many hosts there are is not known"),
        ({"approvals": {"always": True}}, {}, "asks before every containment"),
        ({"approvals": {"people_too": True}}, {"by_person": True}, "second person"),
    ],
)
def test_policy_asks_where_a_guard_wants_it_or_cannot_be_answered(
    policy: dict[str, Any], values: dict[str, Any], reason: str
) -> None:
    verdict = decide(Policy.model_validate(policy), facts(**values))
    assert verdict.outcome is Outcome.ASK
    assert not verdict.allowed
    assert len(verdict.reasons) == 1
    assert reason in verdict.reasons[0]


def test_who_asks_in_person_is_not_asked_again_but_told_what_speaks_against_it() -> None:
    verdict = decide(Policy(), facts(os_platform="WindowsServer2022", by_person=True))
    assert verdict.allowed
    assert "server's operating system" in " ".join(verdict.reasons)


def test_a_person_is_refused_what_policy_refuses() -> None:
    assert decide(Policy(frozen=True), facts(by_person=True)).outcome is Outcome.DENIED
    assert decide(Policy(), facts(by_person=True, tags=("Domain Controller",))).outcome is Outcome.DENIED


def test_a_host_with_the_tag_is_contained_in_the_mode_tagged() -> None:
    assert decide(Policy(mode=Mode.TAGGED), facts(tags=("ringfence-contain",))).allowed


def test_a_promoted_alert_makes_its_host_eligible() -> None:
    assert decide(Policy(incident_required=True), facts(promoted=True)).allowed


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("Windows11", False),
        ("Windows10WVD", False),
        ("macOS", False),
        ("WindowsServer2019", True),
        ("windows server 2025", True),
        ("Linux", True),
        ("RedHatEnterpriseLinux", True),
        ("", None),
        (None, None),
    ],
)
def test_operating_systems_of_servers_are_told_from_those_of_clients(
    platform: str | None, expected: bool | None
) -> None:
    assert is_server(platform) is expected


def test_a_brake_that_alone_stands_against_it_is_named_and_a_lift_lets_it_go_on() -> None:
    policy = Policy(max_per_hour=1, max_per_hour_and_playbook=1)
    known = facts(decided_last_hour=1, playbook="Contain", decided_for_playbook=1)
    found = decide(policy, known)
    assert [each.key for each in found.brakes] == ["hour:", "playbook:Contain"]
    assert len(found.reasons) == 2
    # Nobody is to be told of a limit because of a host that is protected anyway.
    protected = decide(policy, replace(known, tags=("DNS",)))
    assert (protected.outcome, protected.brakes, len(protected.reasons)) == (Outcome.DENIED, (), 3)
    lifted = decide(policy, replace(known, lifted="megan lifted the limits: Real"))
    assert lifted.outcome is Outcome.ALLOWED
    assert "megan lifted the limits: Real" in lifted.reasons
    assert decide(Policy(frozen=True), replace(known, lifted="megan")).outcome is Outcome.DENIED


def test_a_brake_that_was_reached_holds_until_it_is_lifted_where_policy_says_so() -> None:
    known = facts(tripped=("hour:", "fleet:"), fleet=1000)
    assert decide(Policy(max_share_of_fleet=0.5), known).outcome is Outcome.ALLOWED
    found = decide(Policy(max_share_of_fleet=0.5, brake_until_lifted=True), known)
    assert [each.limit for each in found.brakes] == ["hour", "fleet"]
    assert all("nobody has lifted the brake" in each for each in found.reasons)


def test_what_defender_has_dealt_with_is_not_needed_whatever_stands_against_it() -> None:
    known = facts(handled="Defender has dealt with it.", tags=("DNS",), decided_last_hour=10)
    found = decide(Policy(), known)
    assert (found.outcome, found.brakes) == (Outcome.NOT_NEEDED, ())
    assert found.reasons[0] == "Defender has dealt with it."
    assert decide(Policy(), replace(known, forced=True)).outcome is Outcome.DENIED
