import pytest

from operation_cases import Case

CASES = [
    Case(
        "get_exposure_score",
        "GET /api/exposureScore",
        lambda d: d.get_exposure_score(),
        {"time": "2026-01-02T03:04:05Z", "score": 33.5},
        result=lambda found: found.score == 33.5,
    ),
    Case(
        "get_device_secure_score",
        "GET /api/configurationScore",
        lambda d: d.get_device_secure_score(),
        {"time": None, "score": 340},
        result=lambda found: found.score == 340,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()
