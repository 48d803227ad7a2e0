import pytest

from microsoft import Microsoft, answer, refused
from operation_cases import Case
from ringfence.defender import BadRequest, InvalidArgument

CASES = [
    Case(
        "run_advanced_query",
        "POST /api/advancedqueries/run",
        lambda d: d.run_advanced_query("T"),
        {"Schema": [{"Name": "A", "Type": "String"}], "Results": [{"A": "x"}]},
        {"Query": "T"},
        lambda found: found.columns[0].name == "A" and found.rows == ({"A": "x"},),
    ),
    Case(
        "run_advanced_hunting_xdr",
        "POST /api/advancedhunting/run",
        lambda d: d.run_advanced_hunting_xdr("T"),
        {"Stats": {"ExecutionTime": 1.5}, "Schema": [], "Results": []},
        {"Query": "T"},
        lambda found: found.stats == {"ExecutionTime": 1.5},
    ),
    Case(
        "graph_run_hunting_query",
        "POST /v1.0/security/runHuntingQuery",
        lambda d: d.graph_run_hunting_query("T", timespan="P90D"),
        {"schema": [{"name": "A", "type": "String"}], "results": [{"A": "x"}]},
        {"Query": "T", "Timespan": "P90D"},
        lambda found: found.columns[0].type == "String" and found.rows[0]["A"] == "x",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_a_query_is_asked_again_because_it_changes_nothing() -> None:
    microsoft = Microsoft(answer({}, 500), answer({"Results": []}))
    async with microsoft.client() as defender:
        assert (await defender.run_advanced_query("T")).rows == ()


async def test_a_query_that_cannot_be_read_carries_the_engine_s_words() -> None:
    async with Microsoft(refused(400, "BadRequest", "A recognition error occurred..")).client() as defender:
        with pytest.raises(BadRequest, match="recognition"):
            await defender.run_advanced_hunting_xdr("T |")
        with pytest.raises(InvalidArgument):
            await defender.graph_run_hunting_query(" ")
