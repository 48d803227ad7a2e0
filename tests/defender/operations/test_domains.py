import pytest

from operation_cases import Case

CASES = [
    Case(
        "get_domain_alerts",
        "GET /api/domains/www.contoso.com/alerts",
        lambda d: d.get_domain_alerts("www.contoso.com"),
        {"value": [{"id": "a"}]},
        result=len,
    ),
    Case(
        "get_domain_machines",
        "GET /api/domains/www.contoso.com/machines",
        lambda d: d.get_domain_machines("www.contoso.com"),
        {"value": []},
        result=lambda found: found == [],
    ),
    Case(
        "get_domain_stats",
        "GET /api/domains/www.contoso.com/stats",
        lambda d: d.get_domain_stats("www.contoso.com"),
        {"host": "www.contoso.com", "organizationPrevalence": 0},
        result=lambda found: found.organization_prevalence == 0,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()
