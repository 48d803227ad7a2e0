from datetime import UTC, datetime

import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import InvalidArgument, ReplyLost

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

CASES = [
    Case(
        "list_alerts",
        "GET /api/alerts?$filter=x&$expand=evidence&$top=5",
        lambda d: d.list_alerts(filter="x", expand=("evidence",), top=5),
        {"value": [{"id": "a"}]},
        result=lambda found: found[0].id == "a",
    ),
    Case(
        "get_alert",
        "GET /api/alerts/a%2F1",
        lambda d: d.get_alert("a/1"),
        {"id": "a"},
        result=lambda found: found.id == "a",
    ),
    Case(
        "update_alert",
        "PATCH /api/alerts/a",
        lambda d: d.update_alert("a", status="New", assigned_to="u"),
        {"id": "a"},
        {"status": "New", "assignedTo": "u"},
    ),
    Case(
        "batch_update_alerts",
        "POST /api/alerts/batchUpdate",
        lambda d: d.batch_update_alerts(
            ["a", "b"], status="Resolved", classification="FalsePositive", determination="Clean", comment="c"
        ),
        None,
        {
            "alertIds": ["a", "b"],
            "status": "Resolved",
            "classification": "FalsePositive",
            "determination": "Clean",
            "comment": "c",
        },
    ),
    Case(
        "create_alert_by_reference",
        "POST /api/alerts/CreateAlertByReference",
        lambda d: d.create_alert_by_reference(
            machine_id="m",
            report_id="7",
            event_time=WHEN,
            severity="Low",
            title="t",
            description="d",
            recommended_action="r",
            category="Exploit",
        ),
        {"id": "a"},
        {
            "machineId": "m",
            "reportId": "7",
            "eventTime": "2026-01-02T03:04:05Z",
            "severity": "Low",
            "title": "t",
            "description": "d",
            "recommendedAction": "r",
            "category": "Exploit",
        },
    ),
    Case(
        "list_alert_domains",
        "GET /api/alerts/a/domains",
        lambda d: d.list_alert_domains("a"),
        {"value": [{"host": "www.contoso.com"}]},
        result=lambda found: found[0].host == "www.contoso.com",
    ),
    Case(
        "list_alert_files",
        "GET /api/alerts/a/files",
        lambda d: d.list_alert_files("a"),
        {"value": [{"sha1": "0" * 40}]},
        result=lambda found: found[0].sha1 == "0" * 40,
    ),
    Case(
        "list_alert_ips",
        "GET /api/alerts/a/ips",
        lambda d: d.list_alert_ips("a"),
        {"value": [{"id": "10.0.0.1"}]},
        result=lambda found: found[0].id == "10.0.0.1",
    ),
    Case(
        "get_alert_machine",
        "GET /api/alerts/a/machine",
        lambda d: d.get_alert_machine("a"),
        {"id": "m"},
        result=lambda found: found.id == "m",
    ),
    Case(
        "get_alert_user",
        "GET /api/alerts/a/user",
        lambda d: d.get_alert_user("a"),
        {"id": "contoso\\u"},
        result=lambda found: found.id == "contoso\\u",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_a_batch_is_repeated_unless_it_adds_a_comment() -> None:
    microsoft = Microsoft(answer({}, 500), answer({}), answer({}, 500))
    async with microsoft.client() as defender:
        await defender.batch_update_alerts(["a"], status="Resolved")
        with pytest.raises(ReplyLost):
            await defender.batch_update_alerts(["a"], comment="c")


async def test_an_event_s_time_is_sent_to_its_last_digit() -> None:
    microsoft = Microsoft(answer({"id": "a"}))
    async with microsoft.client() as defender:
        await defender.create_alert_by_reference(
            machine_id="m",
            report_id="7",
            event_time="2018-08-03T16:45:21.7115183Z",
            severity="High",
            title="t",
            description="d",
            recommended_action="r",
            category="General",
        )
    assert microsoft.sent()["eventTime"] == "2018-08-03T16:45:21.7115183Z"


async def test_what_the_service_would_refuse_is_not_sent() -> None:
    async with Microsoft().client() as defender:
        for call in (
            defender.batch_update_alerts([], status="New"),
            defender.batch_update_alerts(["a", " "], status="New"),
            defender.batch_update_alerts(["a"]),
            defender.update_alert("a"),
            defender.get_alert(".."),
        ):
            with pytest.raises(InvalidArgument):
                await call
