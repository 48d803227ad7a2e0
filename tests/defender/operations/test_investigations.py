import pytest

from microsoft import Microsoft
from operation_cases import Case
from ringfence.defender import InvalidArgument

CASES = [
    Case(
        "start_investigation",
        "POST /api/machines/m/startInvestigation",
        lambda d: d.start_investigation("m", comment="c"),
        {"id": "7", "state": "Running"},
        {"Comment": "c"},
        lambda found: found.state == "Running",
        201,
    ),
    Case(
        "list_investigations",
        "GET /api/investigations?$filter=x&$top=5",
        lambda d: d.list_investigations(filter="x", top=5),
        {"value": [{"id": 7}]},
        result=lambda found: found[0].id == "7",
    ),
    Case(
        "get_investigation",
        "GET /api/investigations/7",
        lambda d: d.get_investigation("7"),
        {"id": "7"},
        result=lambda found: found.id == "7",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_an_investigation_without_a_reason_is_not_started() -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument):
            await defender.start_investigation("m", comment="")
