from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ringfence.containment.policy import Guard, Policy
from ringfence.rehearsals.storm import JOINED, UNKNOWN, Asked, Storm

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _asked(machine: str | None, minute: int = 0, **more: Any) -> Asked:
    values: dict[str, Any] = {
        "at": NOON + timedelta(minutes=minute),
        "machine": machine,
        "name": f"ws-{machine}",
        "device_group": None,
        "alert_id": "a",
        "step": "isolate",
        "conditions": (),
        "auto_release": None,
    }
    return Asked(**{**values, **more})


def _storm(policy: Policy, **known: dict[str, Any]) -> Storm:
    return Storm(lambda group: policy, known, playbook="One", fleet=100)


def test_a_limit_trips_refuses_and_opens_again_when_the_hour_is_over() -> None:
    storm = _storm(Policy(max_per_hour=2))
    for number, minute in enumerate((0, 10, 20, 30, 65)):
        storm.ask(_asked(str(number), minute))
    (brake,) = storm.brakes
    assert (brake.limit, brake.at, brake.refused) == ("hour", NOON + timedelta(minutes=20), 2)
    assert brake.until == NOON + timedelta(minutes=65)
    assert [host.outcome for host in storm.hosts] == ["allowed", "allowed", "denied", "denied", "allowed"]


def test_a_brake_that_only_a_person_lifts_holds_to_the_end() -> None:
    storm = _storm(Policy(max_per_hour=1, brake_until_lifted=True))
    for number, minute in enumerate((0, 10, 300)):
        storm.ask(_asked(str(number), minute))
    assert (storm.brakes[0].until, storm.brakes[0].refused) == (None, 2)


def test_a_host_that_is_held_is_joined_until_it_goes_free() -> None:
    storm = _storm(Policy())
    for minute in (0, 10, 70):
        storm.ask(_asked("a", minute, auto_release=3_600.0))
    (host,) = storm.hosts
    assert host.outcomes == {"allowed": 2, JOINED: 1}


def test_what_is_known_of_a_host_counts_and_what_is_not_is_marked() -> None:
    storm = _storm(
        Policy(),
        server={"tags": [], "os_platform": "WindowsServer2022"},
        dc={"tags": ["Domain Controller"], "os_platform": "WindowsServer2022"},
    )
    for machine in ("server", "dc", "new"):
        storm.ask(_asked(machine))
    assert [(host.outcome, host.assumed) for host in storm.hosts] == [
        ("ask", False),
        ("denied", False),
        ("allowed", True),
    ]


@pytest.mark.parametrize(
    ("policy", "more", "outcome"),
    [
        (Policy(frozen=True), {}, "denied"),
        (Policy(incident_required=True), {}, "denied"),
        (Policy(incident_required=True), {"promoted": True}, "allowed"),
        (Policy(), {"handled": "Defender has dealt with it."}, "not_needed"),
        (Policy(max_share_of_fleet=0.001), {}, "denied"),
        (Policy(servers=Guard.REFUSE), {}, "allowed"),
    ],
)
def test_policy_speaks_as_it_would_of_a_run(policy: Policy, more: dict[str, Any], outcome: str) -> None:
    storm = _storm(policy)
    storm.ask(_asked("a", **more))
    assert storm.hosts[0].outcome == outcome


def test_hosts_that_only_a_run_would_know_are_counted_together() -> None:
    storm = _storm(Policy())
    storm.ask(_asked(None))
    storm.ask(_asked(None, 5))
    assert [(host.machine, host.outcomes) for host in storm.hosts] == [(None, {UNKNOWN: 2})]
