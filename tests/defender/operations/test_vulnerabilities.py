import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import InvalidArgument

CASES = [
    Case(
        "list_vulnerabilities",
        "GET /api/vulnerabilities?$filter=x&$top=8000",
        lambda d: d.list_vulnerabilities(filter="x", top=8000),
        {"value": [{"id": "CVE-1", "epss": 0.5}]},
        result=lambda found: found[0].epss == 0.5,
    ),
    Case(
        "get_machines_by_vulnerability",
        "GET /api/vulnerabilities/CVE-1/machineReferences",
        lambda d: d.get_machines_by_vulnerability("CVE-1"),
        {"value": [{"id": "m"}, {"id": "n"}]},
        result=lambda found: len(found) == 2,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_a_page_is_no_larger_than_the_service_gives() -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument, match="8001"):
            [each async for each in defender.list_vulnerabilities(top=8001)]


async def test_a_limit_ends_a_list_of_machines() -> None:
    microsoft = Microsoft(answer({"value": [{"id": "m"}, {"id": "n"}]}))
    async with microsoft.client() as defender:
        assert len([each async for each in defender.get_machines_by_vulnerability("CVE-1", limit=1)]) == 1
