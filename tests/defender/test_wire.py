import contextlib
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factbook import example
from ringfence.defender import (
    ActionStatus,
    Alert,
    Document,
    Evidence,
    Machine,
    MachineAction,
    MalformedReply,
    User,
    parse_alert,
)

RECORDED: list[tuple[str, type[Document]]] = [
    ("list_alerts.response", Alert),
    ("list_alerts.response.recorded", Alert),
    ("list_alerts.expand_evidence.response", Alert),
    ("get_alert.response", Alert),
    ("list_machines.response", Machine),
    ("list_machines.response.recorded", Machine),
    ("list_machines.filter_lastseen.response", Machine),
    ("get_machine.response.recorded", Machine),
    ("list_machine_actions.response", MachineAction),
    ("list_machine_actions.filter_machine_top2.response", MachineAction),
    ("get_machine_action.response", MachineAction),
    ("run_live_response.response", MachineAction),
    ("get_machine_logon_users.response", User),
    ("get_machine_logon_users.response.recorded", User),
    ("get_alert_user.response", User),
]


@pytest.mark.parametrize(("name", "model"), RECORDED, ids=[name for name, _ in RECORDED])
def test_recorded_documents_are_read_without_loss(name: str, model: type[Document]) -> None:
    document = example(name)
    items = document.get("value", [document])
    assert items
    for item in items:
        parsed = model.parse(item)
        assert parsed.raw is item
        dumped = parsed.model_dump(by_alias=True, mode="json")
        unknown = parsed.model_extra or {}
        assert {key for key in item if key not in dumped} <= {"lastUpdateTimeUtc"}
        assert unknown.keys() <= item.keys()


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-01-02T03:04:05Z", 0),
        ("2026-01-02T03:04:05.5Z", 500_000),
        ("2026-01-02T03:04:05.57Z", 570_000),
        ("2026-01-02T03:04:05.123Z", 123_000),
        ("2026-01-02T03:04:05.1234Z", 123_400),
        ("2026-01-02T03:04:05.12345Z", 123_450),
        ("2026-01-02T03:04:05.123456Z", 123_456),
        ("2026-01-02T03:04:05.1234567Z", 123_456),
    ],
)
def test_timestamps_of_every_length_become_utc_and_stay_readable(text: str, microseconds: int) -> None:
    alert = parse_alert({"id": "a", "lastUpdateTime": text})
    assert alert.last_update_time == datetime(2026, 1, 2, 3, 4, 5, microseconds, tzinfo=UTC)
    assert alert.raw["lastUpdateTime"] == text


def test_a_timestamp_without_a_zone_is_utc_and_one_with_another_is_converted() -> None:
    alert = parse_alert(
        {"id": "a", "firstEventTime": "2026-01-02T03:04:05", "lastEventTime": "2026-01-02T05:04:05+02:00"}
    )
    assert alert.first_event_time == alert.last_event_time
    assert alert.last_event_time is not None
    assert alert.last_event_time.utcoffset() == datetime.now(UTC).utcoffset()  # noqa: TID251


def test_an_alert_needs_an_id_and_nothing_else() -> None:
    alert = parse_alert({"id": "da1_1"})
    assert not alert.evidence
    assert not alert.comments
    assert not alert.mitre_techniques
    assert alert.severity is None


@pytest.mark.parametrize("document", [None, [], "x", 1, {}, {"id": None}, {"id": ""}, {"id": {}}])
def test_what_is_not_an_alert_is_a_malformed_reply(document: object) -> None:
    with pytest.raises(MalformedReply):
        parse_alert(document)


def test_a_malformed_reply_names_fields_and_not_values() -> None:
    with pytest.raises(MalformedReply, match="lastUpdateTime") as raised:
        parse_alert({"id": "a", "lastUpdateTime": "private"})
    assert "private" not in str(raised.value)


def test_unknown_keys_and_values_are_kept() -> None:
    alert = parse_alert({"id": "a", "severity": "Apocalyptic", "brandNew": {"x": 1}})
    assert alert.severity == "Apocalyptic"
    assert alert.model_extra == {"brandNew": {"x": 1}}


def test_null_lists_are_empty_lists() -> None:
    assert parse_alert({"id": "a", "evidence": None, "mitreTechniques": None}).evidence == ()


def test_evidence_is_typed() -> None:
    alert = parse_alert({"id": "a", "evidence": [{"entityType": "Process", "processId": 7, "sha1": None}]})
    assert alert.evidence == (Evidence.parse({"entityType": "Process", "processId": 7, "sha1": None}),)
    assert alert.evidence[0].raw["processId"] == 7


def test_names_that_the_pages_disagree_on_are_both_read() -> None:
    old = MachineAction.parse(
        {"id": "1", "type": "Isolate", "status": "Pending", "lastUpdateTimeUtc": "2026-01-01T00:00:00Z"}
    )
    new = MachineAction.parse(
        {"id": "1", "type": "Isolate", "status": "Pending", "lastUpdateDateTimeUtc": "2026-01-01T00:00:00Z"}
    )
    assert old.last_update_date_time_utc == new.last_update_date_time_utc is not None
    comment = {"comment": "x", "createTime": "2026-01-01T00:00:00Z"}
    assert parse_alert({"id": "a", "comments": [comment]}).comments[0].created_time is not None


def test_a_group_id_may_be_a_number_or_a_text() -> None:
    assert Machine.parse({"id": "m", "rbacGroupId": 0}).rbac_group_id == 0
    assert Machine.parse({"id": "m", "rbacGroupId": "140"}).rbac_group_id == "140"


def test_only_known_final_statuses_are_final() -> None:
    def final(status: str) -> bool:
        return MachineAction.parse({"id": "1", "type": "Isolate", "status": status}).is_final

    assert {status for status in ActionStatus if final(status)} == {"Succeeded", "Failed", "TimeOut", "Cancelled"}
    assert not final("Hibernating")


def test_a_document_survives_pickling() -> None:
    alert = parse_alert({"id": "a", "title": "t"})
    twin = pickle.loads(pickle.dumps(alert))
    assert twin == alert
    assert twin.raw == alert.raw


@given(
    st.dictionaries(
        st.sampled_from(["id", "evidence", "comments", "lastUpdateTime", "incidentId", "relatedUser", "x"]),
        st.recursive(
            st.none() | st.integers() | st.text() | st.floats(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_no_document_leads_out_of_the_tree(document: dict[str, object]) -> None:
    with contextlib.suppress(MalformedReply):
        assert parse_alert(document).raw is document
