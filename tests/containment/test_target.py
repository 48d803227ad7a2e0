from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.containment.target import kind_of, prove
from ringfence.defender.wire import Machine

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ID = "a" * 40


def machine(machine_id: str = ID, name: str | None = "wks-001", **values: Any) -> Machine:
    document = {
        "id": machine_id,
        "computerDnsName": name,
        "onboardingStatus": "Onboarded",
        "lastSeen": (NOON - timedelta(hours=1)).isoformat(),
        "lastIpAddress": "10.0.0.1",
        "lastExternalIpAddress": "203.0.113.7",
        "ipAddresses": [{"ipAddress": "10.0.0.1"}, {"ipAddress": "not an address"}, {"ipAddress": "FE80::1"}],
    }
    return Machine.parse(document | values)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (ID, "machine id"),
        ("B" * 32, "machine id"),
        ("wks-001", "DNS name"),
        ("wks_001.contoso.com.", "DNS name"),
        ("10.0.0.1", "IP address"),
        ("fd00::1", "IP address"),
        ("a" * 39, "DNS name"),
        ("", None),
        ("wks 001", None),
        ("wks-001\n", None),
        ("-wks", None),
        ("wks..contoso", None),
        ("w\u212as-001", None),
        ("a" * 256, None),
        (".".join(["a" * 60] * 5), None),
        ("127.0.0.1", None),
        ("::1", None),
        ("169.254.1.1", None),
        ("fe80::1", None),
        ("224.0.0.1", None),
        ("0.0.0.0", None),
    ],
)
def test_a_target_is_an_id_a_name_or_an_address_of_one_host(target: str, kind: str | None) -> None:
    assert kind_of(target) == kind


@pytest.mark.parametrize("target", [ID, ID.upper(), "wks-001", "WKS-001.", "10.0.0.1"])
def test_an_exact_target_finds_its_machine(target: str) -> None:
    assert prove(
        target, [machine(), machine("b" * 40, "wks-0011", lastIpAddress="10.0.0.11", ipAddresses=[])], NOON
    ) == (prove(ID, [machine()], NOON))


@pytest.mark.parametrize(
    "name",
    ["wks-0011", "wks-00", "awks-001", "wks-001.contoso.com", "w\u212as-001", "\uff57ks-001", "wks-001 ", None, ""],
)
def test_a_name_that_is_not_the_same_is_not_meant(name: str | None) -> None:
    proof = prove("wks-001", [machine(name=name)], NOON)
    assert proof.machine is None
    assert "No device bears exactly the DNS name wks-001" in proof.problem
    assert len(proof.candidates) == 1


@pytest.mark.parametrize(
    ("values", "flaw"),
    [
        ({"mergedIntoMachineId": "b" * 40}, "merged into"),
        ({"isExcluded": True}, "excluded"),
        ({"onboardingStatus": "CanBeOnboarded"}, "not onboarded (CanBeOnboarded)"),
        ({"onboardingStatus": None}, "not onboarded (unknown)"),
        ({"isPotentialDuplication": True}, "possible duplicate"),
        ({"lastSeen": (NOON - timedelta(days=31)).isoformat()}, "not seen for 30 days"),
        ({"lastSeen": None}, "not seen"),
    ],
)
def test_a_record_with_a_flaw_is_named_as_a_candidate_and_not_chosen(values: dict[str, Any], flaw: str) -> None:
    proof = prove("wks-001", [machine(**values)], NOON)
    assert proof.machine is None
    assert "can be contained" in proof.problem
    assert flaw in proof.candidates[0]
    other = machine("b" * 40)
    assert prove("wks-001", [machine(**values), other], NOON).machine == other


def test_an_id_is_taken_at_its_word_however_flawed_the_record(  # policy looks at the flaws of what a person named
) -> None:
    assert prove(ID, [machine(isPotentialDuplication=True, lastSeen=None)], NOON).machine is not None


def test_another_record_than_the_id_named_is_never_taken() -> None:
    proof = prove(ID, [machine("b" * 40)], NOON)
    assert proof.machine is None
    assert proof.candidates == (f"wks-001 ({'b' * 40})",)


def test_two_that_bear_a_name_are_both_named_and_none_is_chosen() -> None:
    proof = prove("wks-001", [machine(), machine("b" * 40)], NOON)
    assert proof.machine is None
    assert proof.problem.startswith("2 devices bear the DNS name wks-001")
    assert len(proof.candidates) == 2


def test_one_record_that_came_twice_is_one() -> None:
    assert prove("10.0.0.1", [machine(), machine(ID.upper())], NOON).machine is not None


def test_an_external_address_names_nobody() -> None:
    assert prove("203.0.113.7", [machine()], NOON).machine is None


def test_an_address_that_was_last_held_days_ago_names_nobody() -> None:
    stale = machine(lastSeen=(NOON - timedelta(hours=25)).isoformat())
    assert prove("wks-001", [stale], NOON).machine is not None
    proof = prove("10.0.0.1", [stale], NOON)
    assert proof.machine is None
    assert "not seen for 1 days" in proof.candidates[0]


def test_what_is_none_of_the_three_is_refused_with_what_to_give() -> None:
    assert "whole and exact" in prove("wks*", [machine()], NOON).problem


@given(target=st.text(max_size=60), names=st.lists(st.text(max_size=60) | st.none(), max_size=5))
def test_whatever_is_chosen_bears_the_target_exactly(target: str, names: list[str | None]) -> None:
    records = [machine(f"{number:040x}", name) for number, name in enumerate([*names, target, f"{target}x"])]
    chosen = prove(target, records, NOON).machine
    if chosen is not None:
        assert target.isascii()
        bearers = [each for each in records if (each.computer_dns_name or "").lower() == target.lower()]
        assert chosen in bearers or chosen.id == target.lower() or (chosen.computer_dns_name or "") + "." == target
