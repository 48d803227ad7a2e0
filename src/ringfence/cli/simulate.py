"""`ringfence simulate`: a pretend Microsoft on this machine."""

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ringfence import garbage
from ringfence.simulator import (
    Authority,
    AuthorityError,
    ScenarioError,
    Simulator,
    StateError,
    StateFile,
    Tls,
    run,
)
from ringfence.simulator.scenario import shipped

_CA_DIR = Path(typer.get_app_dir("ringfence")) / "simulator-ca"


def simulate(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8900,
    scenario: Annotated[
        str, typer.Option(help=f"A YAML file, or one of: {', '.join(shipped())}.", metavar="FILE|NAME")
    ] = "ransomware",
    speed: Annotated[float, typer.Option(help="Divides durations of actions and of the scenario.", min=0.001)] = 1.0,
    state: Annotated[
        Path | None, typer.Option(help="File in which the simulated world is kept, so that a restart continues.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one line of JSON once it listens.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    tls: Annotated[
        bool, typer.Option("--tls", help="Stand in for Microsoft's own hosts too: a TLS port and an HTTPS proxy.")
    ] = False,
    tls_port: Annotated[
        int, typer.Option(help="Port for TLS, on loopback; 0 takes a free one.", min=0, max=65535)
    ] = 8943,
    proxy_port: Annotated[
        int, typer.Option(help="Port of the HTTPS proxy, on loopback; 0 takes a free one.", min=0, max=65535)
    ] = 8945,
    ca_dir: Annotated[
        Path | None, typer.Option(help="Folder of the local certificate authority; by default one of your own.")
    ] = None,
    until_input_ends: Annotated[
        bool, typer.Option("--until-input-ends", help="End when standard input does, for programs that start it.")
    ] = False,
) -> None:
    """Run a pretend Microsoft: login, Defender and Graph with a scenario in it, until Ctrl-C.

    With --tls, unmodified programs talk to it as if it were Microsoft: set HTTPS_PROXY to the proxy, and SSL_CERT_FILE
    and REQUESTS_CA_BUNDLE to the authority's ca.pem. The proxy refuses all other hosts.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if until_input_ends:
        threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    try:
        simulator, resumed = _open(scenario, speed, state)
        secure = Tls(Authority(ca_dir or _CA_DIR), tls_port, proxy_port) if tls else None

        def announce(origin: str) -> None:
            garbage.settle()
            _announce(simulator, origin, secure, as_json=json_, resumed=resumed)

        run(simulator, host, port, announce, tls=secure)
    except (AuthorityError, ScenarioError, StateError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem
    except OSError as problem:
        others = ", --tls-port or --proxy-port" if tls else ""
        typer.echo(
            f"Cannot listen on {host}:{port}: {problem}. Choose another --port{others}, or 0 for a free one.", err=True
        )
        raise typer.Exit(1) from problem
    finally:
        logging.shutdown()


def _open(scenario: str, speed: float, state: Path | None) -> tuple[Simulator, bool]:
    if state is None:
        return Simulator.from_scenario(scenario, speed=speed), False
    file = StateFile(state)
    simulator = file.load()
    resumed = simulator is not None
    if simulator is None:
        simulator = Simulator.from_scenario(scenario, speed=speed)
    simulator.state = file
    simulator.save()
    return simulator, resumed


def _announce(simulator: Simulator, origin: str, tls: Tls | None, *, as_json: bool, resumed: bool) -> None:
    tenants = [
        {
            "tenant_id": tenant.id,
            "client_id": app.client_id,
            "client_secret": app.secrets[0].value if app.secrets else None,
            "name": tenant.name,
            "domain": tenant.domains[0],
        }
        for tenant in simulator.tenants.values()
        for app in list(tenant.apps.values())[:1]
    ]
    if as_json:
        where = {"login": origin, "api": origin, "graph": origin, "control": f"{origin}/_sim", "tenants": tenants}
        if tls is not None:
            where |= {"tls": tls.origin, "proxy": tls.proxy, "ca": str(tls.authority.certificate_path.resolve())}
        typer.echo(json.dumps(where))
        sys.stdout.flush()
        return
    console = Console()
    console.print(f"[bold]A pretend Microsoft[/bold] plays the scenario [bold]{simulator.scenario.name}[/bold].")
    if resumed:
        console.print("It continues from the state file; --scenario and --speed were not looked at.")
    for item in tenants:
        console.print(f"[bold]{item['name']}[/bold]", soft_wrap=True)
        for name in ("tenant_id", "client_id", "client_secret"):
            console.print(f"  {name.replace('_', ' '):14}{item[name]}", soft_wrap=True, highlight=False)
    console.print(f"Login, Defender API and Graph: {origin}", soft_wrap=True)
    console.print(f"Control: {origin}/_sim/summary, {origin}/_sim/journal, {origin}/_sim/state", soft_wrap=True)
    if tls is not None:
        certificate = tls.authority.certificate_path.resolve()
        console.print(f"In the place of Microsoft's hosts: {tls.origin}. For programs that know nothing of it:")
        for name, value in (
            ("HTTPS_PROXY", tls.proxy),
            ("SSL_CERT_FILE", certificate),
            ("REQUESTS_CA_BUNDLE", certificate),
        ):
            console.print(f"  export {name}={value}", soft_wrap=True, highlight=False)
    first = tenants[0]
    console.print("Next: connect it, in another terminal. The pages of `ringfence serve` can do it by themselves, too.")
    command = (
        f"RINGFENCE_ACCOUNT_SECRET='{first['client_secret']}' ringfence account add --name {first['name']} "
        f"--tenant-id {first['tenant_id']} --client-id {first['client_id']} --login-url {origin} --api-url {origin}"
    )
    console.print(f"  {command}", soft_wrap=True, highlight=False)
    console.print("Ctrl-C ends the simulator.")


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
