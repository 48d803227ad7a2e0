"""JSON for the designer's scripts: what is asked over and over on one page is answered without a page, and so are its errors."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ringfence.errors import Invalid, RingfenceError


class JsonRoute(APIRoute):
    """A route whose errors are objects: `code`, `message`, `advice`, `problems`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except RingfenceError as error:
                return _told(error)
            except RequestValidationError as error:
                lines = tuple(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
                return _told(Invalid("This cannot be used.", advice="Look at `problems`.", problems=lines[:20]))

        return handler


def _told(error: RingfenceError) -> JSONResponse:
    problems = list(error.problems) if isinstance(error, Invalid) else []
    said = {"code": error.code, "message": error.message, "advice": error.advice, "problems": problems}
    return JSONResponse(said, error.status)
