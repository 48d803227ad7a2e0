import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factbook import example
from ringfence.alerts.graph import as_defender, determination, identity, word

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def a_device(machine: str | None, name: str = "host-1.contoso.com", **values: Any) -> dict[str, Any]:
    kind = {"@odata.type": "#microsoft.graph.security.deviceEvidence"}
    return {**kind, "mdeDeviceId": machine, "deviceDnsName": name, "roles": [], "detailedRoles": [], **values}


def test_microsoft_s_own_example_is_understood() -> None:
    (document,) = example("graph_list_alerts.response")["value"]
    found = as_defender(document)
    assert (found["id"], found["incidentId"]) == ("da637551227677560813_-961444813", 28282)
    assert (found["severity"], found["status"], found["category"]) == ("Low", "New", "DefenseEvasion")
    assert (found["classification"], found["determination"]) == (None, None)
    assert found["detectionSource"] == "WindowsDefenderAv"
    assert found["alertCreationTime"] == "2021-04-27T12:19:27.7211305Z"
    assert found["lastUpdateTime"] == "2021-05-02T14:19:01.3266667Z"
    assert (found["machineId"], found["computerDnsName"]) == ("73e7e2de709dff64ef64b1d0c30e67fab63279db", "tempDns")
    assert found["rbacGroupName"] == "UnassignedGroup"
    assert [piece["entityType"] for piece in found["evidence"]] == ["File", "Process", "Registry"]
    file, process, registry = found["evidence"]
    assert (file["fileName"], file["sha1"][:6], file["detectionStatus"]) == ("MsSense.exe", "5f1e8a", "Detected")
    assert (process["processId"], process["fileName"], process["accountName"]) == (4780, "MsSense.exe", "SYSTEM")
    assert (process["parentProcessFileName"], process["userSid"]) == ("services.exe", "S-1-5-18")
    assert process["processCreationTime"] == "2021-08-12T12:43:19.0772577Z"
    assert registry["registryHive"] == "HKEY_LOCAL_MACHINE"
    assert set(file) == set(process) == set(registry)


@pytest.mark.parametrize(
    ("own", "provider", "service", "known"),
    [
        ("da1_1", "da1_1", "microsoftDefenderForEndpoint", "da1_1"),
        ("da1_1", "1_1", "microsoftDefenderForEndpoint", "da1_1"),
        ("7f3e", "da1_1", "microsoftDefenderForEndpoint", "da1_1"),
        ("da1_1", None, "microsoftDefenderForEndpoint", "da1_1"),
        ("da1_1", " ", "microsoftDefenderForEndpoint", "da1_1"),
        ("da1_1", 7, "microsoftDefenderForEndpoint", "da1_1"),
        ("fa54", "54", "microsoftDefenderForOffice365", "fa54"),
        ("ad3e", "something-else", "azureAdIdentityProtection", "ad3e"),
        ("x", "da1_1", None, "x"),
        (None, None, None, None),
    ],
)
def test_an_alert_has_one_identity_whichever_api_shows_it(own: Any, provider: Any, service: Any, known: Any) -> None:
    assert identity({"id": own, "providerAlertId": provider, "serviceSource": service}) == known


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("new", "New"), ("inProgress", "InProgress"), ("New", "New"), ("unknown", None), ("unknownFutureValue", None)],
)
def test_words_are_written_as_defender_writes_them(theirs: str, ours: str | None) -> None:
    assert word(theirs) == ours


def test_what_says_nothing_has_defender_s_word_for_it() -> None:
    found = as_defender({"severity": "unknown", "status": "unknownFutureValue", "classification": "unknown"})
    assert (found["severity"], found["status"], found["classification"]) == ("UnSpecified", "Unknown", None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("compromisedAccount", "compromisedUser"),
        ("notMalicious", "clean"),
        ("notEnoughDataToValidate", "insufficientData"),
        ("confirmedActivity", "confirmedUserActivity"),
        ("Malware", "malware"),
    ],
)
def test_the_two_names_of_a_determination_are_one(one: str, other: str) -> None:
    assert determination(one) == determination(other)


def test_of_several_devices_the_main_one_is_the_machine() -> None:
    devices = [
        a_device("a" * 40),
        a_device("b" * 40, roles=["compromised"]),
        a_device("c" * 40, "main.contoso.com", detailedRoles=["PrimaryDevice"]),
    ]
    found = as_defender({"evidence": devices})
    assert (found["machineId"], found["computerDnsName"]) == ("c" * 40, "main.contoso.com")
    assert as_defender({"evidence": devices[:2]})["machineId"] == "b" * 40
    assert as_defender({"evidence": devices[:1]})["machineId"] == "a" * 40
    assert found["evidence"] == []


def test_a_device_that_defender_does_not_know_leaves_its_name_and_no_machine() -> None:
    found = as_defender({"evidence": [a_device(None, "printer.contoso.com")]})
    assert (found["machineId"], found["computerDnsName"]) == (None, "printer.contoso.com")


def test_the_machine_may_be_named_by_other_evidence_alone() -> None:
    file = {"@odata.type": "#microsoft.graph.security.fileEvidence", "mdeDeviceId": "d" * 40}
    assert as_defender({"evidence": [a_device(None), file]})["machineId"] == "d" * 40


def test_the_alert_as_it_came_is_left_unchanged() -> None:
    document = {"id": "a", "evidence": [a_device("a" * 40)], "comments": [{"comment": "c"}]}
    before = json.dumps(document)
    as_defender(document)
    assert json.dumps(document) == before


def test_comments_have_defender_s_keys() -> None:
    comments = [{"comment": "c", "createdByDisplayName": "n", "createdDateTime": "t"}, "odd"]
    assert as_defender({"comments": comments})["comments"] == [
        {"comment": "c", "createdBy": "n", "createdTime": "t"},
        "odd",
    ]


NAMES = ("id", "providerAlertId", "severity", "evidence", "comments", "detectionSource", "incidentId")
EVIDENCE = st.fixed_dictionaries({"@odata.type": st.just("#microsoft.graph.security.deviceEvidence"), "roles": JSON})


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.lists(EVIDENCE, max_size=2)))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_no_document_is_odd_enough_to_fail(document: dict[str, Any]) -> None:
    assert set(as_defender(document)) == set(as_defender({}))
