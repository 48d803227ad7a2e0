"""A quiet world with a clock that the test owns, and clients that are signed in to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ringfence.simulator import Authority, Simulator, SimulatorControl, Tls, create_app, serve
from ringfence.simulator.tenant import App, Tenant

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8900"
SCOPE = "https://api.securitycenter.microsoft.com/.default"


@pytest.fixture
def simulator() -> Simulator:
    """The quiet scenario at noon, its clock frozen."""
    return Simulator.from_scenario("quiet", frozen=True, start=START)


@pytest.fixture
def contoso(simulator: Simulator) -> Tenant:
    """The one tenant."""
    return next(iter(simulator.tenants.values()))


@pytest.fixture
def registration(contoso: Tenant) -> App:
    """The one app of the tenant."""
    return next(iter(contoso.apps.values()))


@pytest.fixture
async def anonymous(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(simulator)), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def sign_in(
    anonymous: httpx.AsyncClient, contoso: Tenant, registration: App
) -> Callable[..., Awaitable[httpx.Response]]:
    """Ask for a token; keyword arguments replace fields of the form, None leaves one out."""

    async def ask(path: str = "oauth2/v2.0/token", tenant: str | None = None, **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": registration.client_id,
            "client_secret": registration.secrets[0].value,
            "scope": SCOPE,
        } | changes
        data = {key: value for key, value in form.items() if value is not None}
        return await anonymous.post(f"/{contoso.id if tenant is None else tenant}/{path}", data=data)

    return ask


@pytest.fixture
async def http(
    simulator: Simulator, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token."""
    token = (await sign_in()).json()["access_token"]
    transport = httpx.ASGITransport(create_app(simulator))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        yield client


@pytest.fixture
async def tls(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Tls]:
    """The simulator in the place of Microsoft's hosts. Certificates and clients live by the machine's clock."""
    simulator.clock.thaw()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    secure = Tls(Authority(tmp_path))
    task = asyncio.create_task(serve(simulator, on_ready=ready.set_result, stop=stop, tls=secure))
    await ready
    yield secure
    stop.set()
    await task


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[SimulatorControl]:
    """The control client."""
    async with SimulatorControl(ORIGIN, transport=httpx.ASGITransport(create_app(simulator))) as client:
        yield client


@pytest.fixture
def machine_id(contoso: Tenant) -> str:
    """The id of wks-001."""
    machine = contoso.find_machine("wks-001")
    assert machine is not None
    return machine.id


@pytest.fixture
async def graph(
    simulator: Simulator, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token for Graph."""
    async with _signed_in(simulator, await sign_in(scope="https://graph.microsoft.com/.default")) as client:
        yield client


@pytest.fixture
async def xdr(
    simulator: Simulator, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token for Defender XDR."""
    async with _signed_in(simulator, await sign_in(scope="https://api.security.microsoft.com/.default")) as client:
        yield client


def _signed_in(simulator: Simulator, reply: httpx.Response) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(simulator)), base_url=ORIGIN, headers=headers)
