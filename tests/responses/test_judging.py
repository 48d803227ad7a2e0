from dataclasses import replace

import pytest

from ringfence.containment.policy import Policy
from ringfence.containment.verdict import Facts, Outcome
from ringfence.responses.judging import judge
from ringfence.responses.kinds import Kind

HOST = Facts(
    machine_id="a" * 40,
    name="wks-001",
    tags=(),
    os_platform="Windows11",
    onboarding_status="Onboarded",
    health_status="Active",
    last_seen=None,
    excluded=False,
    merged_into=None,
    decided_last_hour=0,
    unseen_seconds=60.0,
)


@pytest.mark.parametrize(
    ("kind", "by_person", "outcome"),
    [
        (Kind.RESTRICT, False, Outcome.ASK),
        (Kind.RESTRICT, True, Outcome.ALLOWED),
        (Kind.QUARANTINE, False, Outcome.ASK),
        (Kind.OFFBOARD, False, Outcome.ASK),
        (Kind.OFFBOARD, True, Outcome.ASK),
        (Kind.SCAN, False, Outcome.ALLOWED),
        (Kind.PACKAGE, False, Outcome.ALLOWED),
        (Kind.INDICATORS, False, Outcome.ALLOWED),
    ],
)
def test_what_policy_says_where_nobody_wrote_any(kind: Kind, by_person: bool, outcome: Outcome) -> None:
    host = None if kind is Kind.INDICATORS else HOST
    assert judge(Policy(), kind, host, by_person=by_person, used=0).outcome is outcome


def test_offboarding_always_needs_two_people_and_says_so() -> None:
    policy = Policy.read({"approvals": {"self_approval": True}, "responses": {"offboard": "ask"}})
    found = judge(policy, Kind.OFFBOARD, HOST, by_person=True, used=0)
    assert "2 different people" in " ".join(found.reasons)


def test_a_limit_of_its_own_counts_the_values_of_indicators() -> None:
    policy = Policy.read({"responses": {"max_indicators_per_hour": 10}})
    assert judge(policy, Kind.INDICATORS, None, by_person=True, used=5, weight=5).allowed
    found = judge(policy, Kind.INDICATORS, None, by_person=True, used=5, weight=6)
    assert found.outcome is Outcome.DENIED
    assert "max_indicators_per_hour" in " ".join(found.reasons)


def test_letting_something_pass_is_asked_about() -> None:
    assert judge(Policy(), Kind.INDICATORS, None, by_person=False, used=0, allowing=True).outcome is Outcome.ASK


@pytest.mark.parametrize("kind", list(Kind))
def test_refusing_and_the_kill_switch_hold_for_people_too(kind: Kind) -> None:
    host = None if kind is Kind.INDICATORS else HOST
    assert judge(Policy(frozen=True), kind, host, by_person=True, used=0).outcome is Outcome.DENIED
    lines = {Kind.RESTRICT: "restrict", Kind.QUARANTINE: "quarantine", Kind.SCAN: "scan", Kind.PACKAGE: "package"}
    policy = Policy.read({"responses": {lines.get(kind, kind.value): "refuse"}})
    assert judge(policy, kind, host, by_person=True, used=0).outcome is Outcome.DENIED


def test_a_server_is_asked_about_before_it_is_harmed_and_not_before_it_is_scanned() -> None:
    server = replace(HOST, os_platform="WindowsServer2022")
    policy = Policy.read({"responses": {"restrict": "allow"}})
    assert judge(policy, Kind.RESTRICT, HOST, by_person=False, used=0).allowed
    assert judge(policy, Kind.RESTRICT, server, by_person=False, used=0).outcome is Outcome.ASK
    assert judge(policy, Kind.SCAN, server, by_person=False, used=0).allowed
