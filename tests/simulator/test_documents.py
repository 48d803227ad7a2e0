from factbook import example
from ringfence.simulator import documents


def test_alert_keys_and_their_order_are_as_recorded() -> None:
    recorded = example("list_alerts.response.recorded")["value"][0]
    assert tuple(recorded) == documents.ALERT_KEYS
    assert tuple(documents.alert({"id": "a"}, 0.0).document) == documents.ALERT_KEYS


def test_evidence_keys_hold_the_documented_ones_in_order() -> None:
    documented = example("get_alert.response")["evidence"][0]
    assert [key for key in documents.EVIDENCE_KEYS if key in documented] == list(documented)


def test_machine_keys_and_their_order_are_as_recorded() -> None:
    recorded = example("get_machine.response.recorded")
    made = documents.machine("wks-001", 1, (1,), 1_700_000_000.0, {})
    assert list(made) == [key for key in recorded if not key.startswith("@")]
    assert [type(made[key]) for key in made if recorded[key] is not None and made[key] is not None] == [
        type(recorded[key]) for key in made if recorded[key] is not None and made[key] is not None
    ]
    assert list(made["ipAddresses"][0]) == list(recorded["ipAddresses"][0])


def test_user_keys_and_their_order_are_as_recorded() -> None:
    recorded = example("get_machine_logon_users.response.recorded")["value"][0]
    assert list(documents.user({})) == list(recorded)


def test_machine_action_keys_hold_the_documented_ones() -> None:
    assert set(example("get_machine_action.response")) <= set(documents.action({}))


def test_an_alert_with_unreadable_times_counts_as_of_now() -> None:
    record = documents.alert({"id": "a", "lastUpdateTime": "soon", "alertCreationTime": 7}, 2.0)
    assert record.ticks == {"alertCreationTime": 20_000_000, "lastUpdateTime": 20_000_000, "lastEventTime": 20_000_000}


def test_a_given_address_is_the_address_of_the_first_interface() -> None:
    made = documents.machine("wks-001", 1, (1,), 1_700_000_000.0, {"lastIpAddress": "10.1.1.1"})
    assert made["ipAddresses"][0]["ipAddress"] == "10.1.1.1"
    assert made["ipAddresses"][2]["type"] == "SoftwareLoopback"
    assert made["ipAddresses"][2]["macAddress"] is None
