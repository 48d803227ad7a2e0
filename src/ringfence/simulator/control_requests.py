"""What every control request goes through: who may ask, how its body is read, how it is refused."""

import ipaddress
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ringfence.simulator.record import compact

Json = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


class ControlError(Exception):
    """A control request is refused: status, a code and what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def refuse(error: ControlError) -> Response:
    """Return the reply of a refusal."""
    body = compact({"error": {"code": error.code, "message": error.message}})
    return Response(body, error.status, media_type="application/json")


def require_local(request: Request) -> None:
    """Raise ControlError for anybody but a program on this machine."""
    if request.client is not None and not _is_loopback(request.client.host):
        raise ControlError(
            403, "not_local", "The control routes answer only to the machine that the simulator runs on."
        )
    if "origin" in request.headers:
        raise ControlError(
            403, "from_a_page", "The control routes do not answer to web pages; use a command-line client."
        )


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("testclient", "localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def read_json(body: bytes) -> Json:
    """Return the body as a JSON object; no body is an empty one. Raises ControlError."""
    try:
        data = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise ControlError(400, "bad_json", "The body is not JSON.") from None
    if not isinstance(data, dict):
        raise ControlError(400, "bad_json", "The body must be a JSON object.")
    return data


def valid(model: type[Model], data: Json) -> Model:
    """Return the order that a body stands for; ControlError names each mistake with its place."""
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        parts = [
            f"{'.'.join(str(part) for part in error['loc']) or 'body'}: {error['msg'].removeprefix('Value error, ')}"
            for error in problem.errors()[:5]
        ]
        raise ControlError(400, "bad_request", "; ".join(parts)) from problem
