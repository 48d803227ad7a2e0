import httpx
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from ringfence.errors import RingfenceError
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission, Role, acting_as


async def told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RingfenceError)
    return PlainTextResponse(error.code, error.status)


async def ask(role: Role | None, method: str, address: str) -> httpx.Response:
    app = FastAPI()
    router = APIRouter(dependencies=[needs(Permission.ALERT_READ)])

    @router.get("/alerts")
    async def read(asker: Asker) -> str:
        return asker.name

    @router.post("/alerts", dependencies=[needs(Permission.ALERT_CHANGE)])
    async def change(number: int) -> int:
        return number

    app.include_router(router)
    app.add_exception_handler(RingfenceError, told)

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        if role is not None:
            actor = acting_as(role, user_id="1", name="ada", organization_id="o", label="x", how="session")
            scope["state"] = {"actor": actor}
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(entered), base_url="http://ringfence.test") as client:
        return await client.request(method, address)


async def test_a_route_lets_in_who_has_its_permission_and_its_routers() -> None:
    assert (await ask(Role.ANALYST, "GET", "/alerts")).json() == "ada"
    assert (await ask(Role.ANALYST, "POST", "/alerts?number=3")).json() == 3


async def test_a_missing_permission_is_said_before_anything_of_the_request_is_looked_at() -> None:
    refused = await ask(Role.READ_ONLY, "POST", "/alerts?number=none")
    assert (refused.status_code, refused.text) == (403, "missing_permission")


async def test_who_is_not_signed_in_is_told_so() -> None:
    refused = await ask(None, "GET", "/alerts")
    assert (refused.status_code, refused.text) == (401, "not_signed_in")


async def test_a_refusal_is_written_to_the_log() -> None:
    with capture_logs() as said:
        await ask(Role.READ_ONLY, "POST", "/alerts?number=3")
    assert [each["event"] for each in said] == ["permission_refused"]
