import pytest

from operation_cases import Case

CASES = [
    Case(
        "get_user_alerts",
        "GET /api/users/user1/alerts",
        lambda d: d.get_user_alerts("user1"),
        {"value": [{"id": "a"}]},
        result=len,
    ),
    Case(
        "get_user_machines",
        "GET /api/users/user%201/machines",
        lambda d: d.get_user_machines("user 1"),
        {"value": [{"id": "m"}]},
        result=len,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()
