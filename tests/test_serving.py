"""How the server listens and what it begins with; tests/cli/test_serve.py serves in a process of its own."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from uvicorn.server import ServerState

from accounts_samples import a_stored_account
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.simulated import SimulatedTenant
from ringfence.app import App
from ringfence.serving import configuration, say_what_is_weak, serve_pages, services_of
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.database import make_url
from ringfence.web.connections import Connection


async def _who(scope: Scope, receive: Receive, send: Send) -> None:
    text = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(text)).encode())]}
    )
    await send({"type": "http.response.body", "body": text})


async def answered(request: bytes, **settings: Any) -> str:
    """Return what a server with these settings says to a request over the network."""
    config = configuration(_who, Settings(data=Path("unused"), **settings))
    config.load()
    assert config.http_protocol_class is Connection
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, ServerState(), {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        writer.write(request)
        return (await reader.read()).decode()
    finally:
        writer.close()
        server.close()


def head(*fields: str) -> bytes:
    return "\r\n".join(("GET / HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", "")).encode()


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [("", "http 127.0.0.1"), ("10.0.0.1", "http 127.0.0.1"), ("127.0.0.0/8, 10.0.0.1", "https 192.0.2.7")],
)
async def test_forwarded_headers_count_only_from_proxies_that_are_named(
    trusted: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the environment names is not what the settings name.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    request = head("X-Forwarded-For: 198.51.100.1, 192.0.2.7, 10.0.0.1", "X-Forwarded-Proto: https")
    assert (await answered(request, trusted_proxies=trusted)).endswith(seen)


async def test_a_message_with_two_lengths_is_refused() -> None:
    assert "400 Bad Request" in await answered(head("Content-Length: 1", "Content-Length: 2"))


async def test_the_server_does_not_say_what_it_is() -> None:
    said = await answered(head())
    assert "200 OK" in said
    assert "server:" not in said.lower()


def test_a_connection_to_the_database_that_proves_nothing_is_said_at_the_start(tmp_path: Path) -> None:
    said = []
    for mode in ("", "?sslmode=require"):
        database = Database(make_url(Settings(database_url=f"postgresql://db.contoso.com/x{mode}")), threads=1)
        with capture_logs() as logged:
            say_what_is_weak(App(Settings(data=tmp_path), database))
        database.close()
        said.append([each["sslmode"] for each in logged])
    assert said == [[], ["require"]]


@pytest.mark.parametrize("connected", [True, False])
async def test_what_polls_begins_when_a_connected_simulated_tenant_answers_and_before_the_pages(
    tmp_path: Path, connected: bool
) -> None:
    order: list[str] = []

    class Noted(SimulatedTenant):
        async def start(self) -> NewAccount:
            order.append("tenant")
            return NewAccount(name="simulated", tenant_id="", client_id="")

    (tmp_path / "simulated").mkdir()
    (tmp_path / "simulated" / "port").write_text("8901", encoding="utf-8")
    tenant, stop = Noted(tmp_path / "simulated"), asyncio.Event()
    app = App.open(Settings(data=tmp_path, port=0))

    def pages(_: str) -> None:
        order.append("pages")
        stop.set()

    try:
        if connected:
            a_stored_account(app.database, app.organization().id, login_url=tenant.origin)
        services = replace(services_of(app), simulated=tenant)
        await serve_pages(app, pages, stop=stop, services=services, begin=lambda: order.append("worker"))
    finally:
        app.close()
    assert order == [*(["tenant"] if connected else []), "worker", "pages"]
