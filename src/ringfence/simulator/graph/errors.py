"""How Graph words its refusals (fact book, errors: graph)."""

from ringfence.simulator import ids, timestamps
from ringfence.simulator.operations import JSON_TYPE, ApiError, Reply
from ringfence.simulator.quotas import Quota
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tokens import Reason

_DENIED: dict[Reason, str] = {
    "absent": "Access token is empty.",
    "broken": "Signature is invalid.",
    "audience": "Access token validation failure. Invalid audience.",
    "time": "Lifetime validation failed, the token is expired.",
}


def denied(reason: Reason) -> ApiError:
    """Return the 401 for a token that is not good; only the text for a broken one was seen in a source."""
    return ApiError(401, "InvalidAuthenticationToken", _DENIED[reason])


def throttled(_: str | None, __: Quota) -> ApiError:
    """Return the 429 of a spent quota; how long to wait stands in Retry-After only."""
    return ApiError(429, "TooManyRequests", "Please retry again later.")


def refuse(error: ApiError, target: str, now: float) -> Reply:
    """Reply in Graph's error shape; the shape of a 429 has two keys more."""
    moment = timestamps.stamp(int(now)).removesuffix("Z")
    request = ids.guid("request", target)
    inner: Document = {"date": moment, "request-id": request, "client-request-id": request}
    if error.status == 429:
        inner = {
            "code": "429",
            "date": moment,
            "message": "Please retry after",
            "request-id": request,
            "status": "429",
        }
    body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    return Reply(error.status, compact(body), JSON_TYPE, {"request-id": request})


def bad_request(message: str) -> ApiError:
    """Return the 400 for a query that cannot be answered."""
    return ApiError(400, "BadRequest", message)


def wrong_body() -> ApiError:
    """Return the 400 for a body with an unknown property or value."""
    return ApiError(400, "InvalidRequestBody", "Request body is incorrect")


def missing(what: str) -> ApiError:
    """Return the 404 for something that is not there."""
    return ApiError(404, "ResourceNotFound", f"{what} was not found")
