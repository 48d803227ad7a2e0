"""Serve a simulator: as an ASGI application in process, or on a socket."""

import asyncio
import logging
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from ringfence.simulator.control import Control
from ringfence.simulator.gateway import Gateway
from ringfence.simulator.world import Simulator


def create_app(simulator: Simulator) -> Starlette:
    """Return the application: login, Defender, Graph and control on one origin."""
    return Starlette(routes=[*Control(simulator).routes(), Route("/{path:path}", Gateway(simulator))])


class _Server(uvicorn.Server):
    """Tell when it listens, and treat a signal as the wish to end, not as a failure."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True


def _protocol(simulator: Simulator) -> type[asyncio.Protocol]:
    class Protocol(H11Protocol):
        """Let the simulator close the connection of a client."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                simulator.connections[self.client] = transport.close

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                simulator.connections.pop(self.client, None)
            super().connection_lost(exc)

    return Protocol


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


async def serve(
    simulator: Simulator,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] | None = None,
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until a signal or `stop`; `on_ready` is given the origin, for instance http://127.0.0.1:8900."""
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    origin = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    config = uvicorn.Config(
        create_app(simulator),
        http=_protocol(simulator),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    server = _Server(config, lambda: on_ready(origin) if on_ready else None)
    watcher = asyncio.create_task(_stop_when(server, stop)) if stop else None
    try:
        await server.serve(sockets=[listener])
    finally:
        listener.close()
        if watcher is not None:
            watcher.cancel()


async def _stop_when(server: _Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def run(simulator: Simulator, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM, then return."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    asyncio.run(serve(simulator, host, port, on_ready))
