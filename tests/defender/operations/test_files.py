import pytest

from microsoft import Microsoft
from operation_cases import Case
from ringfence.defender import InvalidArgument

CASES = [
    Case(
        "get_file",
        f"GET /api/files/{'a' * 64}",
        lambda d: d.get_file("a" * 64),
        {"sha1": "b", "fileType": None},
        result=lambda found: found.sha1 == "b",
    ),
    Case(
        "get_file_stats",
        "GET /api/files/aa/stats?lookBackHours=24",
        lambda d: d.get_file_stats("aa", look_back_hours=24),
        {"sha1": "aa", "orgPrevalence": "3", "topFileNames": None},
        result=lambda found: found.org_prevalence == "3",
    ),
    Case(
        "get_file_alerts",
        f"GET /api/files/{'a' * 40}/alerts",
        lambda d: d.get_file_alerts("A" * 40),
        {"value": []},
        result=lambda found: found == [],
    ),
    Case(
        "get_file_machines",
        f"GET /api/files/{'a' * 40}/machines",
        lambda d: d.get_file_machines("a" * 40),
        {"value": [{"id": "m"}]},
        result=len,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_what_the_service_would_refuse_is_not_sent() -> None:
    async with Microsoft().client() as defender:
        for call in (
            defender.get_file_alerts("a" * 64),
            defender.get_file_machines("x" * 40),
            defender.get_file_stats("aa", look_back_hours=0),
            defender.get_file_stats("aa", look_back_hours=721),
        ):
            with pytest.raises(InvalidArgument):
                await call
