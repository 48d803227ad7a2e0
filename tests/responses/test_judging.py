from dataclasses import replace

import pytest

from ringfence.containment.policy import Policy
from ringfence.containment.verdict import Facts, Limit, Outcome
from ringfence.responses.judging import Tally, judge
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
    assert judge(Policy(), kind, host, by_person=by_person).outcome is outcome


def test_offboarding_always_needs_two_people_and_says_so() -> None:
    policy = Policy.read({"approvals": {"self_approval": True}, "responses": {"offboard": "ask"}})
    found = judge(policy, Kind.OFFBOARD, HOST, by_person=True)
    assert "2 different people" in " ".join(found.reasons)


def test_a_limit_of_its_own_counts_the_values_of_indicators() -> None:
    policy = Policy.read({"responses": {"max_indicators_per_hour": 10}})
    assert judge(policy, Kind.INDICATORS, None, by_person=True, tally=Tally(used=5), weight=5).allowed
    found = judge(policy, Kind.INDICATORS, None, by_person=True, tally=Tally(used=5), weight=6)
    assert found.outcome is Outcome.DENIED
    assert "max_indicators_per_hour" in " ".join(found.reasons)


def test_letting_something_pass_is_asked_about() -> None:
    assert judge(Policy(), Kind.INDICATORS, None, by_person=False, allowing=True).outcome is Outcome.ASK


@pytest.mark.parametrize("kind", list(Kind))
def test_refusing_and_the_kill_switch_hold_for_people_too(kind: Kind) -> None:
    host = None if kind is Kind.INDICATORS else HOST
    assert judge(Policy(frozen=True), kind, host, by_person=True).outcome is Outcome.DENIED
    lines = {Kind.RESTRICT: "restrict", Kind.QUARANTINE: "quarantine", Kind.SCAN: "scan", Kind.PACKAGE: "package"}
    policy = Policy.read({"responses": {lines.get(kind, kind.value): "refuse"}})
    assert judge(policy, kind, host, by_person=True).outcome is Outcome.DENIED


def test_a_server_is_asked_about_before_it_is_harmed_and_not_before_it_is_scanned() -> None:
    server = replace(HOST, os_platform="WindowsServer2022")
    policy = Policy.read({"responses": {"restrict": "allow"}})
    assert judge(policy, Kind.RESTRICT, HOST, by_person=False).allowed
    assert judge(policy, Kind.RESTRICT, server, by_person=False).outcome is Outcome.ASK
    assert judge(policy, Kind.SCAN, server, by_person=False).allowed


def test_what_defender_has_dealt_with_is_not_done_unless_a_person_asks() -> None:
    policy = Policy.read({"responses": {"restrict": "allow"}})
    clean = replace(HOST, handled="Defender has dealt with all evidence of the alert on this host (a.exe blocked).")
    found = judge(policy, Kind.RESTRICT, clean, by_person=False)
    assert (found.outcome, found.reasons[0]) == (Outcome.NOT_NEEDED, clean.handled)
    asked = judge(policy, Kind.RESTRICT, clean, by_person=True)
    assert asked.allowed
    assert "although it need not be" in asked.reasons[-1]
    # What only looks is worth doing all the same.
    assert judge(policy, Kind.PACKAGE, clean, by_person=False).allowed


def test_a_playbook_has_a_limit_of_its_own_and_a_person_none() -> None:
    policy = Policy.read({"responses": {"restrict": "allow", "max_per_hour_and_playbook": 2}})
    tally = Tally(used=4, playbook="Restrict", of_playbook=2)
    found = judge(policy, Kind.RESTRICT, HOST, by_person=False, tally=tally)
    assert [(each.limit, each.subject) for each in found.brakes] == [(Limit.RESPONSES_OF_PLAYBOOK, "Restrict")]
    assert judge(policy, Kind.RESTRICT, HOST, by_person=True, tally=Tally(used=4)).allowed
    assert judge(policy, Kind.SCAN, HOST, by_person=False, tally=tally).allowed
    assert judge(policy, Kind.RESTRICT, HOST, by_person=False, tally=replace(tally, lifted="Ada lifted it.")).allowed


def test_a_brake_holds_until_it_is_lifted_where_policy_says_so() -> None:
    policy = Policy.read({"brake_until_lifted": True, "responses": {"restrict": "allow"}})
    tripped = Tally(used=0, tripped=("responses:",))
    found = judge(policy, Kind.RESTRICT, HOST, by_person=False, tally=tripped)
    assert found.outcome is Outcome.DENIED
    assert "nobody has lifted the brake" in found.brakes[0].sentence
    assert judge(
        Policy.read({"responses": {"restrict": "allow"}}), Kind.RESTRICT, HOST, by_person=False, tally=tripped
    ).allowed


def test_more_at_once_than_an_hour_allows_is_refused_and_trips_nothing() -> None:
    policy = Policy.read({"responses": {"max_indicators_per_hour": 10}})
    found = judge(policy, Kind.INDICATORS, None, by_person=True, weight=11)
    assert (found.outcome, found.brakes) == (Outcome.DENIED, ())
    assert "These are 11" in found.reasons[0]
