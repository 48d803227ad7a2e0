"""The APIs that the simulator serves: Defender for Endpoint, Defender XDR and Graph. A new API is named in APIS."""

from ringfence.simulator import defender, graph, hunting, operations, xdr
from ringfence.simulator.operations import Api, ApiError
from ringfence.simulator.quotas import Quota
from ringfence.simulator.tokens import Reason


def _denied(_: Reason) -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized (invalid or expired authorization header).")


def _throttled(retry_after: str | None, quota: Quota) -> ApiError:
    period = f"{quota.seconds // 3_600:02}:{quota.seconds // 60 % 60:02}:00"
    key = "Destination+TenantID" if quota.by_tenant else "Destination+TenantID+AppID"
    return ApiError(
        429,
        "TooManyRequests",
        f"API calls quota exceeded! Maximum allowed {quota.calls} per {period} for the key {key}. "
        f"You can send requests again in {retry_after or 8} seconds.",
    )


def _refuse(error: ApiError, target: str, _: float) -> operations.Reply:
    return operations.error_reply(error, target)


DEFENDER = Api("defender", defender.REGISTRY, defender.AUDIENCES, _refuse, _denied, _throttled)
XDR = Api("xdr", xdr.REGISTRY, xdr.AUDIENCES, _refuse, _denied, _throttled)
GRAPH = Api("graph", graph.REGISTRY, graph.AUDIENCES, graph.refuse, graph.denied, graph.throttled)
APIS = (DEFENDER, XDR, GRAPH)

HUNTING = hunting.OPERATIONS
"""Ids of the three hunting operations, each declared in the registry of its API."""
