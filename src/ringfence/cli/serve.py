"""`ringfence serve` and `ringfence worker`."""

import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

import typer

from ringfence.cli.invocation import Invocation, invocation
from ringfence.cli.sign_in import reachable
from ringfence.cli.terminal import say
from ringfence.errors import Unavailable
from ringfence.organizations import first

if TYPE_CHECKING:
    from ringfence.app import App


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; else RINGFENCE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0 for a free one; else RINGFENCE_PORT.", min=0, max=65535)
    ] = None,
    data: Annotated[Path | None, typer.Option(help="As before the command.")] = None,
    database_url: Annotated[str | None, typer.Option(help="As before the command.")] = None,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Whether this process also polls, runs playbooks and contains.")
    ] = True,
) -> None:
    """Serve the pages and the API, and be a worker, until Ctrl-C."""
    called = invocation(context)
    called.give(host=host, port=port, data=data, database_url=database_url)
    with called.opened(serving=True) as app:
        _demand_free(app.settings.host, app.settings.port)
        from ringfence.serving import serve as run

        run(app, worker=worker, on_ready=lambda origin: _announce(called, app, origin, worker=worker))


def worker(context: typer.Context) -> None:
    """Be a worker without pages, until Ctrl-C."""
    with invocation(context).opened(serving=True) as app:
        from ringfence.serving import work

        work(app, on_ready=lambda: say("The worker is ready. Ctrl-C ends it."))


def _announce(called: Invocation, app: "App", origin: str, *, worker: bool) -> None:
    listening = urlsplit(origin)
    origin = reachable(listening.hostname or "127.0.0.1", listening.port or 80, tls=listening.scheme == "https")
    address = called.settings.public_url or origin
    say(f"Ringfence is at {address}" + ("" if worker else ", without a worker: start one with `ringfence worker`"))
    token = app.database.run_now(first.offer)
    if token is not None:
        link = f"{address.rstrip('/')}/sign-in/first?{urlencode({'token': token})}"
        say(f"Nobody can sign in yet. This makes the first administrator, once, within the hour: {link}")
        return
    command = ["ringfence"]
    if called.given.get("data") is not None:
        command += ["--data", str(called.settings.data)]
    if called.given.get("database_url") is not None:
        command += ["--database-url", "…"]
    command.append("sign-in-link")
    if called.settings.public_url is None:
        command += ["--url", origin]
    say(f"To sign in, run on this machine: {' '.join(map(shlex.quote, command))}")


def _demand_free(host: str, port: int) -> None:
    """Raise Unavailable where nobody can listen, before a worker is started for nothing."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise Unavailable(
            f"Nobody can listen on {host}:{port}: {error.strerror or error}.",
            advice="Choose another --port (0 takes a free one) or --host, or stop what listens there.",
        ) from error
