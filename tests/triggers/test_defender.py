from typing import Any

import pytest

from ringfence.alerts.versions import MARKER, Change
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.triggers.base import Match
from ringfence.triggers.defender import DECLARATION, document, match, source

RAW: dict[str, Any] = {
    "id": "da1_1",
    "title": "Ransomware activity",
    "status": "New",
    "severity": "High",
    "category": "Ransomware",
    "lastUpdateTime": "2026-01-01T00:00:00Z",
    "comments": [],
}


def trigger(**values: Any) -> DefenderAlertTrigger:
    return DefenderAlertTrigger.model_validate({"type": "defender.alert"} | values)


def asked(of: DefenderAlertTrigger, change: Change = Change.CREATED, values: dict[str, Any] | None = None) -> Match:
    return match(of, RAW | (values or {}), change, account="contoso")


def test_a_trigger_without_conditions_starts_on_every_new_alert() -> None:
    assert asked(trigger()).matched
    assert not asked(trigger(), Change.UPDATED).matched


@pytest.mark.parametrize("field", ["status", "severity"])
def test_all_and_an_empty_list_let_everything_through(field: str) -> None:
    for wanted in ([], ["All"], "All"):
        assert asked(trigger(**{field: wanted}), values={field: "Anything"}).matched
        assert asked(trigger(**{field: wanted}), values={field: None}).matched


@pytest.mark.parametrize(
    ("field", "wanted", "value", "said"),
    [
        ("status", ["New", "InProgress"], "Resolved", "The status is Resolved, not New or InProgress."),
        ("severity", ["High"], "high", "The severity is high, not High."),
        ("severity", ["High"], None, "The severity is missing, not High."),
        ("severity", ["High"], 3, "The severity is missing, not High."),
        ("category", ["Ransomware"], "Malware", "The category is Malware, not Ransomware."),
    ],
)
def test_each_condition_says_why_it_does_not_hold(field: str, wanted: list[str], value: object, said: str) -> None:
    found = asked(trigger(**{field: wanted}), values={field: value})
    assert not found.matched
    assert found.reason == said
    assert [each.field for each in found.fields] == ["account", "changes", "status", "severity", "category"]


@pytest.mark.parametrize("key", ["account", "service"])
def test_a_trigger_that_names_an_account_hears_no_other(key: str) -> None:
    assert asked(trigger(**{key: "contoso"})).matched
    assert asked(trigger(**{key: "fabrikam"})).reason == "The account is contoso, not fabrikam."
    assert source(trigger(**{key: "fabrikam"})) == "fabrikam"


def test_an_empty_list_of_changes_means_any() -> None:
    assert asked(trigger(changes=[]), Change.CREATED).matched
    assert asked(trigger(changes=[]), Change.UPDATED).matched


def test_an_update_that_holds_only_our_own_comment_starts_nothing() -> None:
    ours = RAW | {"lastUpdateTime": "2026-01-01T00:05:00Z", "comments": [{"comment": f"Contained. {MARKER}1]"}]}
    listening = trigger(changes=["created", "updated"])
    found = match(listening, ours, Change.UPDATED, account="contoso", before=RAW)
    assert found.reason == "The alert was updated only by a comment of Ringfence's own."
    theirs = ours | {"status": "Resolved"}
    assert match(listening, theirs, Change.UPDATED, account="contoso", before=RAW).matched
    assert match(listening, ours, Change.UPDATED, account="contoso").matched


@pytest.mark.parametrize(
    ("where", "matched"),
    [
        ("contains(alert.title, 'Ransom')", True),
        ("contains(alert.title, 'phish')", False),
        ("change == 'created'", True),
        ("account == 'contoso'", True),
        ("alert.nothing", False),
        ("alert.comments", False),
    ],
)
def test_where_looks_into_the_alert_and_must_be_true(where: str, matched: bool) -> None:
    found = asked(trigger(where=where))
    assert found.matched is matched
    assert found.fields[-1].field == "where"


@pytest.mark.parametrize("where", ["contains(alert.incidentId, 'x')", "alert.title < `1` && to_number(alert)", "a["])
def test_a_where_that_cannot_be_evaluated_does_not_match_and_says_why(where: str) -> None:
    found = asked(trigger(where=where), values={"incidentId": 7})
    assert not found.matched
    if found.fields[-1].reason.startswith("The expression"):
        assert where[:10] in found.reason


def test_where_is_not_looked_at_once_another_condition_fails() -> None:
    assert [each.field for each in asked(trigger(where="a[", severity=["Low"])).fields][-1] == "category"


def test_alert_content_that_looks_like_an_expression_is_only_text() -> None:
    assert not asked(
        trigger(where="contains(alert.title, 'x')"), values={"title": "') || `true` || contains(alert.id, '"}
    ).matched


def test_the_condition_sees_the_alert_as_it_came() -> None:
    seen = document(trigger(), RAW, Change.CREATED, "contoso")
    assert seen["alert"] is RAW
    assert seen["msft.defender.response.json.raw"] is RAW
    assert (seen["change"], seen["account"]) == ("created", "contoso")


def test_the_declaration_names_the_changes_that_are_told_apart() -> None:
    assert DECLARATION.changes == ("created", "updated")
