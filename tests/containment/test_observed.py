from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ringfence import clock
from ringfence.containment.observed import (
    SENTENCES,
    Drift,
    HostState,
    Origin,
    Seen,
    carry_on,
    lost_since,
    origin,
)
from ringfence.defender.wire import MachineAction

START = datetime(2026, 3, 1, tzinfo=UTC)
MACHINE = "a" * 40


def action(number: int, kind: str = "Isolate", status: str = "Succeeded", **values: Any) -> MachineAction:
    """Make an action that was made, and ended, `number` minutes after the start."""
    at = (START + timedelta(minutes=number)).isoformat()
    document = {"id": f"action-{number}", "type": kind, "status": status, "machineId": MACHINE}
    document |= {"creationDateTimeUtc": at, "lastUpdateDateTimeUtc": at, "requestor": "analyst@contoso.com"}
    return MachineAction.model_validate(document | values)


def test_what_succeeded_last_decides_though_a_later_look_brings_older_news() -> None:
    seen = carry_on(Seen(MACHINE), [action(1), action(5, "Unisolate")])
    assert seen.state is HostState.FREE
    assert carry_on(seen, [action(1)]) == seen
    again = carry_on(seen, [action(7, computerDnsName="wks-001")])
    assert (again.state, again.machine_name, again.action_id) == (HostState.ISOLATED, "wks-001", "action-7")
    assert again.since == START + timedelta(minutes=7)


@pytest.mark.parametrize("status", ["Failed", "TimeOut", "Cancelled"])
def test_where_nothing_succeeded_nothing_is_claimed(status: str) -> None:
    assert carry_on(Seen(MACHINE), [action(1, status=status)]).state is HostState.UNKNOWN
    isolated = carry_on(Seen(MACHINE), [action(1)])
    assert carry_on(isolated, [action(2, "Unisolate", status)]).state is HostState.ISOLATED


def test_an_open_action_is_in_progress_and_does_not_hide_what_is_in_force() -> None:
    held = carry_on(Seen(MACHINE), [action(1), action(2, "Unisolate", "Pending", requestSource="Portal")])
    assert (held.state, held.isolated, held.open_by) == (HostState.IN_PROGRESS, True, "analyst@contoso.com (Portal)")
    assert (held.open_type, held.open_since) == ("Unisolate", START + timedelta(minutes=2))
    assert carry_on(held, [action(2, "Unisolate")]).state is HostState.FREE


def test_an_action_of_ours_is_known_by_its_id_or_its_comment_and_by_nothing_that_is_not_whole() -> None:
    key = clock.new_id()
    for values in (
        {"externalId": f"ringfence:{key}:isolate"},
        {"requestorComment": f"Ransomware [ringfence:{key}:isolate]"},
    ):
        assert carry_on(Seen(MACHINE), [action(1, **values)]).containment_id == key
    release = action(2, "Unisolate", externalId=f"ringfence:{key}:release:3")
    assert carry_on(Seen(MACHINE), [release]).containment_id == key
    for values in (
        {"externalId": f"x ringfence:{key}:isolate"},
        {"requestorComment": f"ringfence:{key}:isolate"},
        {"externalId": "ringfence:1:isolate"},
    ):
        assert carry_on(Seen(MACHINE), [action(1, **values)]).containment_id is None


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("Portal", Origin.PERSON),
        ("PublicApi", Origin.TOOL),
        ("Attack Disruption", Origin.DEFENDER),
        ("AutomaticAttackDisruption", Origin.DEFENDER),
        ("SomethingNew", Origin.UNKNOWN),
        (None, Origin.UNKNOWN),
    ],
)
def test_the_source_of_an_action_tells_what_kind_of_owner_it_has(source: str | None, meant: Origin) -> None:
    assert origin(None, source) is meant
    assert origin(clock.new_id(), source) is Origin.OURS


def test_a_device_is_lost_only_when_somebody_looked_and_it_was_silent_for_too_long() -> None:
    patience = timedelta(hours=26)
    seen = carry_on(Seen(MACHINE), [action(0)])
    before, late = START - timedelta(hours=3), START + timedelta(hours=27)
    assert lost_since(seen, before, late, patience) == START + patience
    assert lost_since(seen, before, START + timedelta(hours=25), patience) is None
    assert lost_since(seen, START + timedelta(hours=2), late, patience) is None
    assert lost_since(seen, None, late, patience) is None
    assert lost_since(seen, before, None, patience) is None
    free = carry_on(seen, [action(5, "Unisolate")])
    assert lost_since(free, before, late, patience) is None


def test_each_drift_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Drift)
    assert all(SENTENCES[each].endswith(".") for each in Drift if each)
