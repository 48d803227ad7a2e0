"""The three hunting operations: one engine, three forms of request and reply."""

from typing import Any

from ringfence.simulator import ids
from ringfence.simulator.defender.registry import REGISTRY as DEFENDER
from ringfence.simulator.graph.errors import bad_request
from ringfence.simulator.graph.registry import REGISTRY as GRAPH
from ringfence.simulator.graph.registry import reply as graph_reply
from ringfence.simulator.hunting import engine, timespan
from ringfence.simulator.hunting.engine import Result, TooLarge
from ringfence.simulator.hunting.syntax import QueryError
from ringfence.simulator.operations import JSON_TYPE, ApiError, Call, Reply
from ringfence.simulator.record import Document, compact
from ringfence.simulator.xdr.registry import REGISTRY as XDR

TOO_LARGE = (
    "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results "
    "and try again"
)
_GRAPH_PATH = "security/runHuntingQuery"
_GRAPH_SDK_PATH = "security/microsoft.graph.security.runHuntingQuery"


def _run(call: Call, query: str, span: str | None = None) -> Result:
    try:
        return engine.run(call.tenant, query, call.now, timespan.window(span, call.now))
    except QueryError as problem:
        raise ApiError(400, "BadRequest", str(problem)) from problem
    except TooLarge as problem:
        raise ApiError(400, "BadRequest", TOO_LARGE) from problem
    except timespan.TimespanError as problem:
        raise ApiError(400, "BadRequest", f"The timespan is not valid: {problem}") from problem


def _query(call: Call) -> str:
    body = call.json_body()
    if "Query" not in body:
        raise ApiError(400, "MissingRequiredParameter", "Parameter Query is missing.")
    query = body["Query"]
    if not isinstance(query, str):
        raise ApiError(400, "InvalidRequestBody", "Request body is incorrect")
    return query


def _document(result: Result) -> Document:
    schema = [{"Name": name, "Type": kind} for name, kind in result.schema.items()]
    return {"Schema": schema, "Results": result.rows}


@DEFENDER.operation("run_advanced_query", "POST", "advancedqueries/run", "AdvancedQuery.Read.All")
def run_advanced_query(call: Call) -> Reply:
    """Run a query for Defender for Endpoint."""
    return Reply(200, compact(_document(_run(call, _query(call)))), JSON_TYPE)


@XDR.operation("run_advanced_hunting_xdr", "POST", "advancedhunting/run", "AdvancedHunting.Read.All")
def run_advanced_hunting_xdr(call: Call) -> Reply:
    """Run a query for Defender XDR, which tells what it cost."""
    query = _query(call)
    result = _run(call, query)
    return Reply(200, compact({"Stats": _stats(query, result), **_document(result)}), JSON_TYPE)


def _stats(query: str, result: Result) -> Document:
    """Make up a cost that follows from the query, so that the same question costs the same."""
    hits, misses = ids.number(1_000, 900_000, "hits", query), ids.number(0, 5_000, "misses", query)
    cpu = ids.number(10_000, 900_000, "cpu", query)
    user = f"00:00:00.{cpu:06d}0"
    return {
        "ExecutionTime": cpu / 1_000_000,
        "resource_usage": {
            "cache": {
                "memory": {"hits": hits, "misses": misses, "total": hits + misses},
                "disk": {"hits": 0, "misses": 0, "total": 0},
            },
            "cpu": {"user": user, "kernel": "00:00:00", "total cpu": user},
            "memory": {"peak_per_node": 8_388_608 + result.size},
        },
        "dataset_statistics": [{"table_row_count": len(result.rows), "table_size": result.size}],
    }


@GRAPH.operation("graph_run_hunting_query", "POST", _GRAPH_PATH, "ThreatHunting.Read.All")
@GRAPH.operation("graph_run_hunting_query", "POST", _GRAPH_SDK_PATH, "ThreatHunting.Read.All")
def graph_run_hunting_query(call: Call) -> Reply:
    """Run a query for Graph; Microsoft's own clients write the keys of the body and the path in another way."""
    body: dict[str, Any] = {name.lower(): value for name, value in call.json_body().items()}
    query, span = body.get("query"), body.get("timespan")
    if not isinstance(query, str) or not isinstance(span, str | None):
        raise bad_request("The request needs a text 'Query', and 'Timespan' has to be a text if it is given.")
    result = _run(call, query, span)
    schema = [{"name": name, "type": kind} for name, kind in result.schema.items()]
    document = {"schema": schema, "results": result.rows}
    return graph_reply(call, "microsoft.graph.security.huntingQueryResults", document)
