"""Serve a simulator: as an ASGI application in process, on a socket, or in the place of Microsoft's own hosts."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from ringfence.simulator import proxy
from ringfence.simulator.authority import Authority
from ringfence.simulator.control import Control
from ringfence.simulator.gateway import Gateway
from ringfence.simulator.world import Simulator

LOOPBACK = "127.0.0.1"


def create_app(simulator: Simulator) -> Starlette:
    """Return the application: login, Defender, Graph and control on one origin."""
    application = Starlette(routes=Control(simulator).routes())
    # Not a route: a pattern does not fit every path, for instance one with an encoded line feed.
    application.router.default = Gateway(simulator)
    application.router.redirect_slashes = False
    return application


@dataclass
class Tls:
    """Stand in for Microsoft's hosts: a TLS port and a proxy that leads to it, both on loopback only.

    Port 0 takes a free one. `origin` and `proxy`, for instance http://127.0.0.1:8945, are known once both listen.
    """

    authority: Authority
    port: int = 0
    proxy_port: int = 0
    origin: str = ""
    proxy: str = ""


class _Server(uvicorn.Server):
    """Tell when it listens, and treat a signal as the wish to end, not as a failure."""

    def __init__(
        self, config: uvicorn.Config, on_started: Callable[[], None], tls: Tls | None, listeners: list[socket.socket]
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._tls = tls
        self._proxy: proxy.Proxy | None = None
        self._listeners = listeners

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._tls is not None:
            await self._stand_in(self._tls)
        self._on_started()

    async def _stand_in(self, tls: Tls) -> None:
        secure, tunnels = self._listeners
        port, proxy_port = (listener.getsockname()[1] for listener in self._listeners)
        context = tls.authority.server_context()
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(self._protocol, sock=secure, ssl=context))
        self._proxy, served = await proxy.start(LOOPBACK, port, tunnels)
        self.servers.append(served)
        tls.origin, tls.proxy = f"https://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{proxy_port}"

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._proxy is not None:
            await self._proxy.close()
        await super().shutdown([*(sockets or []), *self._listeners])

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
    # Only a socket that names its protocol is sent on without delay by asyncio; else each reply waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
    tls: Tls | None = None,
) -> None:
    """Serve until a signal or `stop`; `on_ready` is given the origin, for instance http://127.0.0.1:8900."""
    listeners = [listen(host, port)]
    bound = listeners[0].getsockname()[1]
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
    watcher = None
    try:
        for wanted in (tls.port, tls.proxy_port) if tls else ():
            listeners.append(listen(LOOPBACK, wanted))
        server = _Server(config, lambda: on_ready(origin) if on_ready else None, tls, listeners[1:])
        watcher = asyncio.create_task(_stop_when(server, stop)) if stop else None
        await server.serve(sockets=listeners[:1])
    finally:
        for listener in listeners:
            listener.close()
        if watcher is not None:
            watcher.cancel()


async def _stop_when(server: _Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def run(simulator: Simulator, host: str, port: int, on_ready: Callable[[str], None], *, tls: Tls | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM, then return."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    asyncio.run(serve(simulator, host, port, on_ready, tls=tls))
