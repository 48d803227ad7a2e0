"""Serve the pages and the API, with or without a worker beside them, until a signal."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from ringfence import garbage, logs
from ringfence.accounts import simulated
from ringfence.accounts.simulated import SimulatedTenant
from ringfence.app import ORIGIN_FILE, App
from ringfence.defender import Limits
from ringfence.errors import Unavailable
from ringfence.settings import Settings
from ringfence.storage import elsewhere
from ringfence.web import certificate as certificates
from ringfence.web import create_web
from ringfence.web.certificate import Certificate
from ringfence.web.connections import Connection
from ringfence.web.later import Later
from ringfence.web.services import Services
from ringfence.worker import Worker, WorkerThread, sole_worker

log = logs.get(__name__)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._on_ready = on_ready

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        if not self.should_exit and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            self._on_ready(f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A signal is the usual way to end; uvicorn would raise it again after its own shutdown.
        self._stopping.set()
        self.should_exit = True


def serve(app: App, *, worker: bool = True, on_ready: Callable[[str], None] = lambda origin: None) -> None:
    """Serve until Ctrl-C or SIGTERM; `on_ready` is given the origin that the pages are at."""
    say_what_is_weak(app)
    with ExitStack() as stack:
        if worker and app.database.sqlite:
            stack.enter_context(sole_worker(app.settings.data))
        thread = WorkerThread(app) if worker else None
        if thread is not None:
            stack.callback(thread.stop)

        def ready(origin: str) -> None:
            garbage.settle()
            on_ready(origin)

        asyncio.run(serve_pages(app, ready, begin=thread.start if thread is not None else None))


def say_what_is_weak(app: App) -> None:
    """Write into the log that the database elsewhere is spoken to without proof of whose it is."""
    weak = elsewhere.weakness(app.database.url)
    if weak is not None:
        log.warning(
            "the database is elsewhere and does not prove that it is ours: see `ringfence doctor`", sslmode=weak
        )


def _api(services: Services) -> ASGIApp:
    # Of its half a second and 20 MiB a server is spared whose API nobody asks.
    garbage.put_off()
    try:
        from ringfence.api import create_api

        return create_api(services)
    finally:
        garbage.settle()


def services_of(app: App) -> Services:
    """Return what pages and API need of an installation."""
    return Services(
        app.database,
        app.settings,
        app.contain,
        app.release,
        app.receiver,
        app.compare,
        app.explain,
        app.sender,
        app.dry_run,
        app.change_alert,
        app.connecting,
        app.act,
        app.try_service,
        app.limits or Limits(),
        # It listens on loopback, where workers on other machines would not find it.
        SimulatedTenant(app.settings.data / "simulated") if app.database.sqlite else None,
    )


async def serve_pages(
    app: App,
    on_ready: Callable[[str], None],
    *,
    stop: asyncio.Event | None = None,
    services: Services | None = None,
    begin: Callable[[], None] | None = None,
) -> None:
    """Serve the pages and the API on this event loop until a signal, or `stop`; `services` are the app's unless given.

    `begin` is called first, off the loop, but after a simulated tenant that is connected answers: what polls it before that
    finds it gone.
    """
    services = services or services_of(app)
    web = create_web(services, api=Later(lambda: _api(services)))
    certificate = certificates.of(app.settings)
    config = configuration(web, app.settings, certificate)
    note = app.settings.data / ORIGIN_FILE

    def ready(origin: str) -> None:
        note.write_text(origin, encoding="utf-8")
        on_ready(origin)

    server = _Server(config, services.stopping, ready)
    beside = [asyncio.create_task(_end_with(server, services.stopping, stop))] if stop is not None else []
    if certificate is not None:
        beside.append(asyncio.create_task(certificate.follow()))
    try:
        await _resume(app, services.simulated)
        if begin is not None:
            await asyncio.to_thread(begin)
        await server.serve()
        await app.receiver.refusing.flush()
    finally:
        note.unlink(missing_ok=True)
        for task in beside:
            task.cancel()
        if services.simulated is not None:
            await services.simulated.stop()


async def _resume(app: App, tenant: SimulatedTenant | None) -> None:
    """Let a simulated tenant that is connected go on where it was."""
    origin = tenant.origin if tenant is not None else None
    if tenant is None or origin is None:
        return
    if not await app.database.read(lambda tx: simulated.is_connected(tx, origin)):
        return
    try:
        await tenant.start()
    except Unavailable as problem:
        log.warning("the simulated tenant did not start", problem=problem.message, advice=problem.advice)


def configuration(web: ASGIApp, settings: Settings, certificate: Certificate | None = None) -> uvicorn.Config:
    """Return how uvicorn serves."""
    trusted = settings.trusted_proxies.replace(",", " ").split()
    return uvicorn.Config(
        web,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        http=Connection,
        # Said explicitly: uvicorn would believe whoever comes from this machine, and what the environment names.
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
        limit_concurrency=settings.connections,
        ssl_context_factory=None if certificate is None else lambda config, default: certificate.context,
        timeout_graceful_shutdown=3,
    )


async def _end_with(server: _Server, stopping: asyncio.Event, stop: asyncio.Event) -> None:
    await stop.wait()
    stopping.set()
    server.should_exit = True


def work(app: App, *, on_ready: Callable[[], None] = lambda: None) -> None:
    """Be a worker without pages until Ctrl-C or SIGTERM."""

    async def until_signal() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)

        def ready() -> None:
            garbage.settle()
            on_ready()

        await Worker(app).run(stop, ready)

    say_what_is_weak(app)
    with ExitStack() as stack:
        if app.database.sqlite:
            stack.enter_context(sole_worker(app.settings.data))
        asyncio.run(until_signal())
