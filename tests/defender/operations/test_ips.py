import pytest

from microsoft import Microsoft
from operation_cases import Case
from ringfence.defender import InvalidArgument

CASES = [
    Case(
        "get_ip_alerts",
        "GET /api/ips/10.0.0.1/alerts",
        lambda d: d.get_ip_alerts("10.0.0.1"),
        {"value": [{"id": "a"}]},
        result=len,
    ),
    Case(
        "get_ip_stats",
        "GET /api/ips/2001%3Adb8%3A%3A1/stats?lookBackHours=1",
        lambda d: d.get_ip_stats("2001:DB8::1", look_back_hours=1),
        {"ipAddress": "2001:db8::1", "orgFirstSeen": None},
        result=lambda found: found.org_first_seen is None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_what_is_no_address_is_not_sent() -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument):
            await defender.get_ip_alerts("10.0.0.0/8")
