"""`ringfence demo`: the whole main job on this machine, with nothing but this machine."""

import asyncio
import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ringfence import garbage, logs
from ringfence.demo import progress, stage, story
from ringfence.organizations import members
from ringfence.security import links
from ringfence.security.rbac import Role
from ringfence.storage import Transaction, changes
from ringfence.storage.changes import Change

_LONGEST = 120.0


def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="No pages; as fast as it can, and end when it is over.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object at the end.")] = False,
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes a free one.", min=0, max=65535)] = 8080,
    speed: Annotated[float, typer.Option(help="Tells the story this many times faster.", min=0.1, max=100)] = 1.0,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "warning",
) -> None:
    """Play a ransomware story against a simulated tenant: alert, playbook, isolation, confirmation, release."""
    logs.configure(log_level)
    with tempfile.TemporaryDirectory(prefix="ringfence-demo-") as folder:
        settings = stage.settings_for(Path(folder), port=port, hurry=exit_)
        setting = stage.set_up(settings, hurry=exit_)
        try:
            began = time.monotonic()
            stage.begin(setting, speed=50.0 if exit_ else speed)
            over = asyncio.run(_until_over(setting)) if exit_ else asyncio.run(_show(setting, as_json=json_))
            told = progress.report(setting, time.monotonic() - began)
        finally:
            stage.strike(setting)
    if json_:
        typer.echo(json.dumps(told))
    elif exit_:
        _summary(Console(), told)
    if exit_ and not (over and progress.succeeded(told)):
        typer.echo("The story did not end as it should; look at the counts, and at --log-level info.", err=True)
        raise typer.Exit(1)


async def _until_over(setting: stage.Stage) -> bool:
    deadline = time.monotonic() + _LONGEST
    following = changes.follow(setting.app.database, 0, interval=0.1)
    async for _ in following:
        if await asyncio.to_thread(progress.finished, setting):
            return True
        if time.monotonic() > deadline or not setting.worker.alive:
            return False
    return False


async def _show(setting: stage.Stage, *, as_json: bool) -> bool:
    """Serve the pages and tell the story until a signal; what is told goes to stderr where stdout is for JSON."""
    # Without pages nothing of the web needs to be loaded.
    from ringfence.serving import serve_pages

    console = Console(stderr=as_json)
    stop, listening = asyncio.Event(), asyncio.Event()
    where: list[str] = []

    def listens(origin: str) -> None:
        garbage.settle()
        where.append(origin)
        listening.set()

    pages = asyncio.create_task(serve_pages(setting.app, listens, stop=stop))
    telling = asyncio.create_task(_tell(setting, console, where, listening))
    try:
        await pages
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    over = progress.finished(setting)
    console.print("Ended." if over else "Ended before the story was over.", style="dim")
    return over


async def _tell(setting: stage.Stage, console: Console, where: list[str], listening: asyncio.Event) -> None:
    await listening.wait()
    link = f"{where[0]}/sign-in/link?token={_sign_in_token(setting)}"
    # Printed once and whole: an address that is wrapped inside a frame cannot be copied.
    console.print(Text("Ransomware on wks-014, and a domain controller that must not be touched.", style="bold"))
    console.print(Text(f"Simulated Microsoft  {setting.simulator.origin}"), soft_wrap=True)
    console.print(Text(f"Ringfence            {where[0]}"), soft_wrap=True)
    console.print(Text.assemble("Sign in once by      ", (link, "bold")), soft_wrap=True)
    console.print(Text("An installation asks for a code of an authenticator app too; the demo does not.", style="dim"))
    console.print(Text("Ctrl-C ends it.", style="dim"))
    teller = story.Story(setting, console)
    with Live(console=console, refresh_per_second=4, transient=False, auto_refresh=False) as live:
        if console.is_terminal:
            live.update(teller.page(), refresh=True)
        async for batch in changes.follow(setting.app.database, 0):
            await asyncio.to_thread(_add, teller, batch, console, live)
            if await asyncio.to_thread(progress.finished, setting):
                break
    _summary(console, progress.report(setting, 0.0))
    console.print("The pages stay open until Ctrl-C.", style="dim")


def _add(teller: story.Story, batch: list[Change], console: Console, live: Live) -> None:
    lines = teller.take(batch)
    if console.is_terminal:
        live.update(teller.page(), refresh=True)
    else:
        for line in lines:
            console.print(line, soft_wrap=True)
        sys.stdout.flush()


def _sign_in_token(setting: stage.Stage) -> str:
    def work(tx: Transaction) -> str:
        user_id = members.ensure(tx, setting.organization.id, "admin", Role.SYSTEM_ADMINISTRATOR)
        return links.create(tx, user_id, timedelta(hours=1))

    return setting.app.database.run_now(work)


def _summary(console: Console, told: dict[str, Any]) -> None:
    kept = progress.succeeded(told)
    console.print(
        Text.assemble(
            ("Kept: " if kept else "Not kept: ", "bold green" if kept else "bold red"),
            f"{told['hosts_contained']} host contained with {told['isolate_requests']} isolate request, "
            f"{told['hosts_released']} released, {told['wrong_hosts_touched']} wrong hosts touched, "
            f"{told['alerts_ingested']} alerts, {told['runs_succeeded']} runs (hosts by the simulator's own record).",
        )
    )
    for name, value in told["clocks"].items():
        console.print(f"  {name.removesuffix('_ms').replace('_', ' '):<24} {value} ms", style="dim", highlight=False)
