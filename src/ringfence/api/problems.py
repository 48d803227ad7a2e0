"""Errors as RFC 9457 problem documents, with two fields of our own: `code` for programs and `advice` for people."""

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ringfence import clock, logs
from ringfence.errors import Invalid, RingfenceError

_log = logs.get(__name__)


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field("about:blank", description="Always about:blank; `code` tells errors apart.")
    title: str = Field(description="The name of the HTTP status.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="A stable word for programs.")
    detail: str = Field(description="What is wrong, for people.")
    advice: str = Field("", description="What to do next, for people.")
    problems: tuple[str, ...] = Field((), description="Where the input is wrong.")
    reference: str | None = Field(None, description="What to look for in the server's log.")


class _ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def _answer(problem: Problem) -> _ProblemResponse:
    return _ProblemResponse(problem.model_dump(mode="json", exclude_none=True), problem.status)


def _made(status: int, code: str, detail: str, advice: str = "", **more: object) -> _ProblemResponse:
    document = {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail, "advice": advice}
    return _answer(Problem.model_validate(document | more))


def install(app: FastAPI) -> None:
    """Let `app` answer every error with a problem document."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RingfenceError)
        found = error.problems if isinstance(error, Invalid) else ()
        return _made(error.status, error.code, error.message, error.advice, problems=found)

    async def starlettes(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return _made(404, "not_found", "There is no such address.", "GET openapi.json lists them.")
        phrase = HTTPStatus(error.status_code).phrase
        return _made(error.status_code, phrase.lower().replace(" ", "_"), f"{phrase}.")

    async def fastapis(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = tuple(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
        return _made(
            400, "invalid", "Something in the request cannot be used.", "Correct what is named.", problems=found
        )

    async def broken(request: Request, error: Exception) -> JSONResponse:
        reference = clock.new_id()
        _log.error("request_failed", path=request.url.path, reference=reference, exc_info=error)
        advice = "Try again. If it stays, look for the reference in the server's log."
        return _made(500, "internal", "Something went wrong on our side.", advice, reference=reference)

    app.add_exception_handler(RingfenceError, ours)
    app.add_exception_handler(HTTPException, starlettes)
    app.add_exception_handler(RequestValidationError, fastapis)
    app.add_exception_handler(Exception, broken)
