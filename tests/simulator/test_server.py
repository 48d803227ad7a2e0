import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl, serve
from ringfence.simulator.server import listen
from ringfence.simulator.tenant import App, Tenant


@pytest.fixture
async def origin(simulator: Simulator) -> AsyncIterator[str]:
    """The simulator on a real socket."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(simulator, port=0, on_ready=ready.set_result, stop=stop))
    yield await ready
    stop.set()
    await task


async def test_login_api_and_control_answer_on_one_socket(origin: str, contoso: Tenant, registration: App) -> None:
    async with httpx.AsyncClient(base_url=origin, trust_env=False) as client, SimulatorControl(origin) as control:
        form = {
            "grant_type": "client_credentials",
            "client_id": registration.client_id,
            "client_secret": registration.secrets[0].value,
            "scope": "https://api.securitycenter.microsoft.com/.default",
        }
        token = (await client.post(f"/{contoso.id}/oauth2/v2.0/token", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/api/alerts", headers=headers)).json()["value"] == []
        assert [entry["operation"] for entry in await control.journal()] == ["token_client_credentials", "list_alerts"]


@pytest.mark.parametrize("kind", ["drop_before_effect", "drop_reply_after_effect"])
async def test_a_dropped_reply_closes_the_connection_and_the_next_request_is_answered(origin: str, kind: str) -> None:
    async with httpx.AsyncClient(base_url=origin, trust_env=False) as client, SimulatorControl(origin) as control:
        await control.add_fault(kind, path="/api/*")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get("/api/alerts")
        assert (await client.get("/api/alerts")).status_code == 401


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r".+"):
            listen("127.0.0.1", taken.getsockname()[1])
