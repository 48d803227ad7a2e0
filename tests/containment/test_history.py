from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ringfence.containment.history import (
    find_ours,
    is_of,
    isolated_by_others,
    made_at,
    marker,
    observe,
    of_isolation,
    owner_of,
    released_after,
)
from ringfence.defender.wire import ActionType, MachineAction

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = "ringfence:c1:isolate"


def action(number: int, kind: str = "Isolate", status: str = "Succeeded", **values: Any) -> MachineAction:
    """Make an action that was made and finished `number` minutes after noon."""
    at = (NOON + timedelta(minutes=number)).isoformat()
    document = {
        "id": str(number),
        "type": kind,
        "status": status,
        "machineId": "m1",
        "creationDateTimeUtc": at,
        "lastUpdateDateTimeUtc": at,
    }
    return MachineAction.parse(document | values)


def test_only_isolations_and_releases_of_the_machine_count_oldest_first() -> None:
    actions = [action(3), action(1, machineId="M1"), action(2, machineId="m2"), action(0, "RunAntiVirusScan")]
    assert [each.id for each in of_isolation([*actions, action(5, machineId=None)], "m1")] == ["1", "3"]


def test_an_action_is_ours_by_its_external_id_or_by_the_same_key_in_its_comment() -> None:
    by_id = action(1, externalId=KEY)
    by_comment = action(2, requestorComment=f"Ransomware {marker(KEY)}")
    assert find_ours([by_id, action(3)], ActionType.ISOLATE, KEY) == by_id
    assert find_ours([by_comment, action(3)], ActionType.ISOLATE, KEY) == by_comment
    assert find_ours([by_id, by_comment], ActionType.ISOLATE, KEY) == by_comment
    assert find_ours([by_id, by_comment], ActionType.UNISOLATE, KEY) is None
    assert find_ours([], ActionType.ISOLATE, KEY) is None


@pytest.mark.parametrize("other", ["ringfence:c1:isolate2", "ringfence:c11:isolate", "xringfence:c1:isolate"])
def test_a_key_that_only_begins_or_ends_alike_is_not_ours(other: str) -> None:
    actions = [action(1, externalId=other), action(2, requestorComment=marker(other)), action(3, requestorComment=KEY)]
    assert find_ours(actions, ActionType.ISOLATE, KEY) is None


def test_any_request_of_a_containment_is_known_as_its_own() -> None:
    assert is_of(action(1, externalId="ringfence:c1:release:3"), "c1")
    assert is_of(action(1, requestorComment=f"Let go. {marker('ringfence:c1:release:3')}"), "c1")
    assert not is_of(action(1, externalId="ringfence:c11:isolate", requestorComment=None), "c1")
    assert not is_of(action(1), "c1")


def test_a_machine_without_finished_actions_is_not_isolated() -> None:
    seen = observe([action(1, status="Failed"), action(2, status="TimeOut"), action(3, status="Cancelled")])
    assert (seen.isolated, seen.by, seen.open) == (False, None, ())


def test_what_finished_last_decides_even_if_it_was_made_first() -> None:
    late = (NOON + timedelta(hours=1)).isoformat()
    isolated_late = action(1, lastUpdateDateTimeUtc=late)
    seen = observe([isolated_late, action(2, "Unisolate")])
    assert (seen.isolated, seen.by) == (True, isolated_late)
    assert not observe([action(1), action(2, "Unisolate")]).isolated


def test_actions_without_an_end_and_those_of_unknown_status_are_open() -> None:
    actions = [action(1, status="Pending"), action(2, status="InProgress"), action(3, status="Deferred"), action(4)]
    assert [each.id for each in observe(actions).open] == ["1", "2", "3"]


def test_actions_without_times_are_older_than_all_others() -> None:
    timeless = action(9, "Unisolate", creationDateTimeUtc=None, lastUpdateDateTimeUtc=None)
    assert made_at(timeless) < made_at(action(0))
    assert observe([timeless, action(0)]).isolated


def test_a_release_counts_as_after_ours_only_if_it_finished_later() -> None:
    before, ours, failed, after = (
        action(1, "Unisolate"),
        action(2),
        action(3, "Unisolate", "Failed"),
        action(4, "Unisolate"),
    )
    assert released_after([before, ours, failed], "2") is None
    assert released_after([before, ours, failed, after, action(5)], "2") == after
    assert released_after([before, after], "2") is None


def test_the_owner_of_an_action_is_named_with_where_it_came_from() -> None:
    assert owner_of(action(1, requestor="asmith", requestSource="Portal")) == "asmith (Portal)"
    assert owner_of(action(1, requestor="asmith")) == "asmith"
    assert owner_of(action(1)) == "somebody unknown"


def test_what_others_isolated_stays_theirs_though_ours_finished_last_until_it_is_released() -> None:
    ours, theirs = action(9, externalId="ringfence:01a202b4-2214-7079-8ac0-b26dd02cec08:isolate"), action(3)
    assert isolated_by_others([ours, theirs]) == theirs
    assert isolated_by_others([ours]) is None
    assert isolated_by_others([ours, action(4, status="Failed")]) is None
    assert isolated_by_others([ours, theirs, action(5, "Unisolate")]) is None
    assert isolated_by_others([ours, action(5, "Unisolate"), action(7)]) is not None
