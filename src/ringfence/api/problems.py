"""Errors as RFC 9457 problem documents, with fields of our own: `code` for programs, `advice` for people, `errors` for forms."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ringfence import clock, logs
from ringfence.errors import Invalid, MissingPermission, RingfenceError, Unavailable, UnsupportedMedia

_log = logs.get(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER: Final = "5"
_LONGEST: Final = 300
_ADVICE: Final[Mapping[int, str]] = {
    404: "GET openapi.json lists every address.",
    405: "The header Allow says which methods there are.",
    413: "Send less at once.",
}


class Fault(BaseModel):
    """One thing in the request that cannot be used, and where it stands: in the body, or in a parameter."""

    detail: str = Field(description="What is wrong with it.")
    pointer: str | None = Field(None, description="Where in the body: a JSON Pointer as a URI fragment (RFC 6901).")
    parameter: str | None = Field(None, description="The name of the parameter of path or query, or of the header.")


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field("about:blank", description="Always about:blank; `code` tells errors apart.")
    title: str = Field(description="The name of the HTTP status.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="A stable word for programs.")
    detail: str = Field(description="What is wrong, for people.")
    advice: str = Field("", description="What to do next, for people.")
    problems: tuple[str, ...] = Field((), description="Where the input is wrong, as sentences.")
    errors: tuple[Fault, ...] = Field((), description="Where the input is wrong, for programs.")
    permission: str | None = Field(None, description="The permission that is missing, where that is the reason.")
    reference: str | None = Field(None, description="What to look for in the server's log.")


class ProblemResponse(JSONResponse):
    """An answer that is a problem document."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Return it as ASCII: what is named may hold what no UTF-8 can."""
        return json.dumps(content, separators=(",", ":")).encode()


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return the answer for a problem."""
    return ProblemResponse(problem.model_dump(mode="json", exclude_none=True), problem.status, dict(headers or {}))


def of(error: RingfenceError) -> ProblemResponse:
    """Return the answer for an error of ours."""
    made = Problem(
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        code=error.code,
        detail=error.message,
        advice=error.advice,
        problems=error.problems if isinstance(error, Invalid) else (),
        permission=error.permission if isinstance(error, MissingPermission) else None,
    )
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = _RETRY_AFTER
    return answer(made, headers)


def install(app: FastAPI) -> None:
    """Let `app` answer every error with a problem document."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RingfenceError)
        return of(error)

    async def starlettes(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        made = Problem(
            title=status.phrase,
            status=status,
            code="not_found" if status == HTTPStatus.NOT_FOUND else status.phrase.lower().replace(" ", "_"),
            detail="There is no such address." if status == HTTPStatus.NOT_FOUND else f"{status.phrase}.",
            advice=_ADVICE.get(status, "Correct the request."),
        )
        return answer(made, error.headers)

    async def fastapis(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = error.errors()
        if unread(request, found):
            kind = request.headers.get("content-type") or "nothing"
            said = f"What was sent says that it is {kind[:100]!r}; this address reads JSON."
            refused = of(UnsupportedMedia(said, advice="Send JSON, with Content-Type: application/json."))
            refused.headers["Accept-Post"] = "application/json"
            return refused
        made = Problem(
            title=HTTPStatus.BAD_REQUEST.phrase,
            status=HTTPStatus.BAD_REQUEST,
            code=Invalid.code,
            detail="Something in the request cannot be used.",
            advice="Correct what is named.",
            problems=tuple(_sentence(each) for each in found),
            errors=tuple(_fault(each) for each in found),
        )
        return answer(made)

    async def broken(request: Request, error: Exception) -> JSONResponse:
        reference = clock.new_id()
        _log.error("request_failed", path=request.url.path, reference=reference, exc_info=error)
        made = Problem(
            title=HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            code=RingfenceError.code,
            detail="Something went wrong on our side.",
            advice="Try again. If it stays, look for the reference in the server's log.",
            reference=reference,
        )
        return answer(made)

    app.add_exception_handler(RingfenceError, ours)
    app.add_exception_handler(HTTPException, starlettes)
    app.add_exception_handler(RequestValidationError, fastapis)
    app.add_exception_handler(Exception, broken)


def unread(request: Request, found: Sequence[Any]) -> bool:
    """Say whether a body was not read because it does not say that it is JSON."""
    if not any(each["loc"][:1] == ("body",) and len(each["loc"]) == 1 for each in found):
        return False
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    sent = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return sent and kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json"))


def _sentence(found: Any) -> str:
    return f"{'.'.join(map(str, found['loc'][1:]))}: {found['msg']}"[:_LONGEST]


def _fault(found: Any) -> Fault:
    place, *path = found["loc"]
    if place != "body":
        return Fault(detail=found["msg"][:_LONGEST], parameter=".".join(map(str, path))[:_LONGEST])
    # Where a text is no JSON at all, the place is a number of characters and points to nothing.
    steps = () if found["type"] == "json_invalid" else path
    escaped = [str(each).replace("~", "~0").replace("/", "~1") for each in steps]
    return Fault(detail=found["msg"][:_LONGEST], pointer="".join(("#", *(f"/{each}" for each in escaped)))[:_LONGEST])
