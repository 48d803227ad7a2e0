from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import InvalidArgument, MaximumBatchSizeExceeded, NewIndicator

FULL = NewIndicator(
    indicator_value="10.1.2.3",
    indicator_type="IpAddress",
    action="Block",
    title="t",
    description="d",
    application="a",
    expiration_time=datetime(2026, 1, 2, tzinfo=UTC),
    severity="High",
    recommended_actions="r",
    rbac_group_names=("g",),
    educate_url="https://www.contoso.com",
    generate_alert=True,
)
BODY = {
    "indicatorValue": "10.1.2.3",
    "indicatorType": "IpAddress",
    "action": "Block",
    "title": "t",
    "description": "d",
    "application": "a",
    "expirationTime": "2026-01-02T00:00:00Z",
    "severity": "High",
    "recommendedActions": "r",
    "rbacGroupNames": ["g"],
    "educateUrl": "https://www.contoso.com",
    "generateAlert": True,
}

CASES = [
    Case(
        "list_indicators",
        "GET /api/indicators?$filter=x&$top=5",
        lambda d: d.list_indicators(filter="x", top=5),
        {"value": [{"id": "1", "expirationTime": None}]},
        result=lambda found: found[0].expiration_time is None,
    ),
    Case("submit_indicator", "POST /api/indicators", lambda d: d.submit_indicator(FULL), {"id": "1"}, BODY),
    Case(
        "import_indicators",
        "POST /api/indicators/import",
        lambda d: d.import_indicators([FULL]),
        {"value": [{"id": None, "indicator": "x", "isFailed": True, "failureReason": "r"}]},
        {"Indicators": [BODY]},
        lambda found: found[0].is_failed,
    ),
    Case("delete_indicator", "DELETE /api/indicators/1", lambda d: d.delete_indicator("1"), status=204),
    Case("delete_indicator", "DELETE /api/indicators/1", lambda d: d.delete_indicator("1"), status=200),
    Case(
        "batch_delete_indicators",
        "POST /api/indicators/BatchDelete",
        lambda d: d.batch_delete_indicators(["1", "2"]),
        None,
        {"IndicatorIds": ["1", "2"]},
        status=204,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_an_upsert_is_repeated_after_a_lost_reply() -> None:
    microsoft = Microsoft(answer({}, 500), answer({"id": "1"}))
    async with microsoft.client() as defender:
        assert (await defender.submit_indicator(FULL)).id == "1"


async def test_what_the_service_would_refuse_is_not_sent() -> None:
    async with Microsoft().client() as defender:
        for call in (
            defender.submit_indicator(replace(FULL, action="Audit", generate_alert=None)),
            defender.submit_indicator(replace(FULL, indicator_value="")),
            defender.submit_indicator(replace(FULL, title=" ")),
            defender.import_indicators([]),
            defender.import_indicators([FULL] * 501),
            defender.batch_delete_indicators([]),
            defender.delete_indicator(""),
        ):
            with pytest.raises(InvalidArgument):
                await call


async def test_a_batch_that_the_service_finds_too_large_has_its_class() -> None:
    refusal = answer({"error": {"code": "MaximumBatchSizeExceeded", "message": "No."}}, 400)
    async with Microsoft(refusal).client() as defender:
        with pytest.raises(MaximumBatchSizeExceeded):
            await defender.import_indicators([FULL])
