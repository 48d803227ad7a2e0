from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.triggers.base import Match, Verdict
from ringfence.triggers.defender import DECLARATION, Event, chosen, decide, document, folds_by, match

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


def event(*changes: Change, standing: Standing = Standing.NEWS, **values: Any) -> Event:
    return Event(RAW | values, changes or (Change.CREATED,), "contoso", standing)


def asked(of: DefenderAlertTrigger, change: Change = Change.CREATED, values: dict[str, Any] | None = None) -> Match:
    happened = event(change, **(values or {}))
    found = match(of, happened)
    assert found.matched == (decide(of, happened) is Verdict.STARTED)
    return found


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


def test_a_trigger_that_names_an_account_hears_no_other() -> None:
    assert asked(trigger(account="contoso")).matched
    assert asked(trigger(account="fabrikam")).reason == "The account is contoso, not fabrikam."


def test_a_trigger_that_names_a_service_hears_what_that_service_passes_on() -> None:
    def heard(services: tuple[str, ...] | None) -> str:
        happened = Event(RAW, (Change.CREATED,), "contoso", services=services)
        found = match(trigger(service="night"), happened)
        assert (decide(trigger(service="night"), happened) is Verdict.STARTED) == found.matched
        return found.fields[0].reason

    assert heard(("day", "night")) == "The service night follows contoso."
    assert heard(("day",)) == heard(()) == heard(None) == "No alert of contoso comes by the service night."


def test_where_no_service_passes_a_change_on_nobody_hears_of_it() -> None:
    happened = Event(RAW, (Change.CREATED,), "contoso", services=())
    for one in (trigger(), trigger(account="contoso")):
        assert decide(one, happened) is Verdict.ACCOUNT
        assert match(one, happened).reason == "No service of contoso that is on passes such a change on."


def test_an_empty_list_of_changes_means_any() -> None:
    assert asked(trigger(changes=[]), Change.CREATED).matched
    assert asked(trigger(changes=[]), Change.UPDATED).matched


@pytest.mark.parametrize(
    ("standing", "verdict", "reason"),
    [
        (Standing.OWN, Verdict.OWN, "The alert was updated only by what Ringfence itself wrote."),
        (Standing.LATE, Verdict.LATE, "The version is older than what was known when it came."),
    ],
)
def test_our_own_write_and_what_came_late_start_nothing(standing: Standing, verdict: Verdict, reason: str) -> None:
    happened = Event(RAW, (), "contoso", standing)
    assert decide(trigger(changes=[]), happened) is verdict
    assert match(trigger(changes=[]), happened).reason == reason


def test_what_others_did_beside_us_starts_what_it_deserves() -> None:
    happened = event(Change.SEVERITY_RAISED, Change.UPDATED, standing=Standing.MIXED)
    assert decide(trigger(changes=["severity_raised"]), happened) is Verdict.STARTED
    assert decide(trigger(changes=["resolved"]), happened) is Verdict.CHANGES


@pytest.mark.parametrize("change", [change for change in Change if change is not Change.CREATED])
def test_a_trigger_starts_on_the_changes_that_it_asks_for(change: Change) -> None:
    happened = event(change, Change.UPDATED)
    assert match(trigger(changes=[change.value]), happened).matched
    assert not match(trigger(), happened).matched
    others = [each.value for each in Change if each not in (change, Change.UPDATED)]
    assert not match(trigger(changes=others), happened).matched


def test_the_change_that_is_named_is_the_one_asked_for_that_says_most() -> None:
    happened = (Change.SEVERITY_RAISED, Change.REASSIGNED, Change.UPDATED)
    assert chosen(trigger(changes=["updated", "reassigned"]), happened) is Change.REASSIGNED
    assert chosen(trigger(changes=["updated"]), happened) is Change.UPDATED
    assert chosen(trigger(changes=[]), happened) is Change.SEVERITY_RAISED


def test_a_refusal_names_what_happened_and_what_was_asked_for() -> None:
    found = match(trigger(changes=["resolved", "reopened"]), event(Change.SEVERITY_RAISED, Change.UPDATED))
    assert found.reason == "The alert was severity raised and updated, not resolved or reopened."


@pytest.mark.parametrize(
    ("run_per", "values", "shared"),
    [
        ("alert", {"machineId": "m"}, None),
        ("machine", {"machineId": "m"}, "machine:m"),
        ("machine", {"machineId": None}, None),
        ("machine", {"machineId": ""}, None),
        ("machine", {"machineId": ["m"]}, None),
        ("incident", {"incidentId": 7}, "incident:7"),
        ("incident", {"incidentId": "7"}, "incident:7"),
        ("incident", {"incidentId": True}, None),
        ("incident", {}, None),
    ],
)
def test_alerts_go_to_one_run_by_what_they_share(run_per: str, values: dict[str, Any], shared: str | None) -> None:
    assert folds_by(trigger(run_per=run_per), values) == shared


WORDS = st.sampled_from(("New", "Resolved", "High", "Low", "Ransomware", "Malware", "All"))
TRIGGERS = st.fixed_dictionaries(
    {},
    optional={
        "account": st.sampled_from(("contoso", "fabrikam")),
        "changes": st.lists(st.sampled_from([change.value for change in Change])),
        "status": st.lists(st.sampled_from(("New", "Resolved", "All"))),
        "severity": st.lists(st.sampled_from(("High", "Low", "All"))),
        "category": st.lists(st.sampled_from(("Ransomware", "Malware"))),
        "where": st.sampled_from(("alert.status == 'New'", "change == 'created'", "a[", "alert.x < `1`")),
    },
)
VALUES = st.dictionaries(st.sampled_from(("status", "severity", "category")), WORDS | st.none() | st.integers())


@given(
    TRIGGERS, VALUES, st.lists(st.sampled_from(list(Change)), min_size=1, unique=True), st.sampled_from(list(Standing))
)
def test_the_verdict_that_is_kept_says_what_the_explanation_says(
    values: dict[str, Any], raw: dict[str, Any], changes: list[Change], standing: Standing
) -> None:
    of, happened = trigger(**values), event(*changes, standing=standing, **raw)
    verdict, found = decide(of, happened), match(of, happened)
    assert (verdict is Verdict.STARTED) == found.matched
    if verdict.field is not None:
        assert verdict.field == next(each.field for each in found.fields if not each.matched)


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
    seen = document(trigger(), Event(RAW, (Change.CREATED,), "contoso"))
    assert seen["alert"] is RAW
    assert seen["msft.defender.response.json.raw"] is RAW
    assert (seen["change"], seen["account"]) == ("created", "contoso")


def test_the_declaration_names_the_changes_that_are_told_apart() -> None:
    assert DECLARATION.changes[:3] == ("created", "updated", "severity_raised")
