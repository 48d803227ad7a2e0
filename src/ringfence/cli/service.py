"""`ringfence service`."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence import clock
from ringfence.actions import typed
from ringfence.actions.polling import ServiceType
from ringfence.app import only_account
from ringfence.apps import making
from ringfence.apps.shelf import of_source, shelf
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Invocation, Json, invocation
from ringfence.cli.moments import age, exact, length
from ringfence.cli.service_check import compare, completeness, lines, sweeps
from ringfence.cli.service_events import events
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.errors import Invalid
from ringfence.services import pools, records
from ringfence.services import service as deciding
from ringfence.services.model import Service
from ringfence.services.service import Wanted
from ringfence.services.shown import Shown, show

if TYPE_CHECKING:
    from ringfence.app import App

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The service's name.")]
Source = Annotated[
    str | None,
    typer.Option(
        help="What is read: defender (Defender for Endpoint), graph (Microsoft Graph security), or a package's (CHAT.ROOMS)."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Parameter of a type that a package brings, as NAME=VALUE; may be given again, for lists too."
    ),
]
Interval = Annotated[
    str | None, typer.Option(help="How often: minutes (5), 30 s, 1 h, or adaptive; empty for the installation's.")
]
History = Annotated[
    str | None,
    typer.Option(help="How far back a poll goes at most: 30 days ago, 2026-01-31; empty for the installation's."),
]
Updates = Annotated[
    bool | None, typer.Option("--updates/--no-updates", help="Whether changes of known alerts start playbooks.")
]
Restarts = Annotated[
    int | None, typer.Option(help="Failed polls that are repeated before the service counts as failed.")
]
Pool = Annotated[
    str | None,
    typer.Option(help="Pool of workers that reads it: those whose RINGFENCE_POOLS names it; else `default`."),
]
Notify = Annotated[
    list[str] | None,
    typer.Option(help="Mail address that is told when it fails; may be given again. `none` for nobody."),
]
Share = Annotated[
    list[str] | None,
    typer.Option(
        help="Organization whose playbooks may listen to it as OWNER/NAME; may be given again. `all`, or `none`."
    ),
]


@app.callback()
def service() -> None:
    """Make and watch trigger services: which accounts' alerts are read, how often, and how that goes."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What playbooks call it: `trigger: {service: NAME}`.")],
    account: Annotated[str | None, typer.Option(help="Which account, if there are several.")] = None,
    source: Source = None,
    set_: Set = None,
    interval: Interval = None,
    history: History = None,
    updates: Updates = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Poll at once, instead of when the first interval has passed.")
    ] = False,
    max_restarts: Restarts = None,
    pool: Pool = None,
    notify: Notify = None,
    share: Share = None,
    json_: Json = False,
) -> None:
    """Make a service that follows an account, and switch it on."""
    wanted = Wanted(
        source=source,
        interval=interval,
        history=history,
        updates=updates,
        start_at_once=at_once or None,
        max_restarts=max_restarts,
        pool=pool,
        notify_to=_unless_none(notify),
    )
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        wanted = _shared(installation, wanted, share)
        catalogue, known = installation.catalogue, shelf(installation.catalogue)
        declared = catalogue.services.get(source or "")
        wanted = replace(wanted, parameters=_parameters(declared, set_))
        account_id = None
        if declared is None or account is not None:
            account_id = installation.database.read_now(lambda tx: only_account(tx, organization.id, account)).id
        made = installation.database.run_now(
            lambda tx: making.make(tx, catalogue, known, organization.id, name, wanted, account_id=account_id)
        )
        shown = _show(installation, made)
        warnings = installation.database.read_now(lambda tx: deciding.doubled(tx, made))
    if json_:
        put(_described(shown) | {"warnings": warnings})
        return
    for warning in warnings:
        say(warning)
    begins = "at once" if made.start_at_once else f"in {shown.interval}"
    what = f"follows {made.account}" if made.account else f"reads {made.source}"
    say(f"{made.name} {what}; its first poll comes {begins if shown.interval_seconds else 'in a moment'}.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the services."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.every(tx, organization.id))
        shown = [_show(installation, each) for each in found]
    if json_:
        put({"items": [_described(each) for each in shown], "next": None})
        return
    if not shown:
        hint("There is no service yet: connect an account, which brings one: `ringfence account add`.")
        return
    columns = [
        Column("name"),
        Column("state"),
        Column("account", optional=True),
        Column("source", optional=True),
        Column("pool", optional=True),
        Column("every"),
        Column("last poll"),
        Column("next poll"),
        Column("lag", right=True),
        Column("hits", right=True),
        Column("misses", right=True),
        Column("errors", right=True),
    ]
    table(columns, [_row(each) for each in shown])
    for line in shown:
        if line.unserved:
            say(f"{line.service.name}: {line.unserved}")
    for each in found:
        if each.state_reason:
            say(f"{each.name}: {each.state_reason}")


@app.command("show")
def show_(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Show a service with what its words mean now."""
    called = invocation(context)
    with called.opened() as installation:
        shown = _show(installation, _found(called, installation, name))
        swept = installation.database.read_now(lambda tx: completeness(tx, shown.service))
    if json_:
        put(_described(shown) | {"completeness": form(swept)})
        return
    _print(shown)
    for line in lines(swept) if swept is not None else ():
        say(f"  {line}")


@app.command()
def edit(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    source: Source = None,
    set_: Set = None,
    interval: Interval = None,
    history: History = None,
    updates: Updates = None,
    max_restarts: Restarts = None,
    pool: Pool = None,
    notify: Notify = None,
    share: Share = None,
    json_: Json = False,
) -> None:
    """Change a service; what is not named stays."""
    wanted = Wanted(
        name=new_name,
        source=source,
        interval=interval,
        history=history,
        updates=updates,
        max_restarts=max_restarts,
        pool=pool,
        notify_to=_unless_none(notify),
    )
    if wanted == Wanted() and share is None and not set_:
        raise Invalid("Nothing was said that could be changed.", advice="See `ringfence service edit --help`.")
    called = invocation(context)
    with called.opened() as installation:
        found = _found(called, installation, name)
        wanted = _shared(installation, wanted, share)
        catalogue, known = installation.catalogue, shelf(installation.catalogue)
        if set_:
            declared = catalogue.services.get(source or found.source)
            wanted = replace(wanted, parameters={**found.parameters, **(_parameters(declared, set_) or {})})
        changed = installation.database.run_now(lambda tx: making.edit(tx, catalogue, known, found, wanted))
        shown = _show(installation, changed)
    if json_:
        put(_described(shown))
    else:
        _print(shown)


@app.command()
def pause(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Switch a service off: nothing is read until it is resumed."""
    _switch(invocation(context), name, on=False, json_=json_)


@app.command()
def resume(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Switch a service on again: it reads on where it stood, as far back as its history goes."""
    _switch(invocation(context), name, on=True, json_=json_)


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Remove a service; the alerts that it brought stay."""
    called = invocation(context)
    with called.opened() as installation:
        found = _found(called, installation, name)
        installation.database.run_now(lambda tx: records.remove(tx, found))
        shown = _show(installation, found)
    if json_:
        put(_described(shown))
    else:
        say(f"{found.name} is removed.")


@app.command("test")
def try_(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Ask a service's source once, as a poll would, keep nothing, and end with status 1 if it does not work."""
    called = invocation(context)
    with called.opened() as installation:
        done = asyncio.run(installation.try_service(_found(called, installation, name)))
    if json_:
        put(done)
    else:
        say(styled("ok" if done.ok else "FAILED").append(f"  {done.sentence}", "none"))
        if done.advice:
            say(f"        {done.advice}")
    if not done.ok:
        raise typer.Exit(1)


app.command()(compare)
app.command()(sweeps)
app.command()(events)


def _parameters(declared: ServiceType | None, given: list[str] | None) -> dict[str, Any] | None:
    """Return NAME=VALUE as values of the types that a package declares; Invalid for what is not written so."""
    if not given:
        return None
    found: dict[str, str] = {}
    for each in given:
        name, mark, text = each.partition("=")
        if not mark or not name:
            raise Invalid(f"{each[:60]!r} is no parameter.", advice="Write --set NAME=VALUE.")
        found[name] = f"{found[name]}\n{text}" if name in found else text
    if declared is None:
        return dict(found)
    return {name: typed.value(declared, name, text) for name, text in found.items()}


def _unless_none(given: list[str] | None) -> list[str] | None:
    return [] if given == ["none"] else given


def _shared(installation: "App", wanted: Wanted, names: list[str] | None) -> Wanted:
    """Return what is wanted with those that a service is shared with, found by their names."""
    if names is None:
        return wanted
    if names in (["all"], ["none"]):
        return replace(wanted, everybody=names == ["all"], shared_with=())
    found = [installation.organization(name).id for name in names]
    return replace(wanted, everybody=False, shared_with=found)


def _found(called: Invocation, installation: "App", name: str) -> Service:
    organization = called.organization(installation)
    return installation.database.read_now(lambda tx: records.by_name(tx, organization.id, name))


def _switch(called: Invocation, name: str, *, on: bool, json_: bool) -> None:
    with called.opened() as installation:
        found = _found(called, installation, name)
        work = deciding.resume if on else deciding.pause
        changed = installation.database.run_now(lambda tx: work(tx, found))
        shown = _show(installation, changed)
    if json_:
        put(_described(shown))
    else:
        say(f"{changed.name} is {'on' if on else 'off'}.")


def _show(installation: "App", found: Service) -> Shown:
    settings = installation.settings
    served = installation.database.read_now(lambda tx: pools.living(tx, 2 * settings.dead_after))
    return show(
        found, interval=settings.poll_interval, history_words=settings.poll_history, now=clock.now(), served=served
    )


def _described(shown: Shown) -> dict[str, Any]:
    document: dict[str, Any] = form(shown.service)
    del document["account_updated_at"]
    return document | {
        "interval": shown.interval,
        "interval_seconds": shown.interval_seconds,
        "history": shown.history,
        "history_start": form(shown.history_start),
        "app": shown.service.source if shown.service.packaged else of_source(shown.service.source).id,
        "unserved": shown.unserved,
    }


def _row(shown: Shown) -> list[Any]:
    each = shown.service
    lag = length(timedelta(seconds=each.lag)) if each.lag is not None else "-"
    counts = [str(number) for number in (each.hits, each.misses, each.errors)]
    upcoming = age(each.next_poll_at) if each.enabled else "-"
    named = [each.name, styled(each.state), each.account, each.source, each.pool, shown.interval]
    return [*named, age(each.polled_at), upcoming, lag, *counts]


def _print(shown: Shown) -> None:
    each = shown.service
    state = styled(each.state)
    say(state.append(f"  {each.name}: {f'{each.account}, ' if each.account else ''}{each.source}", "none"))
    lag = length(timedelta(seconds=each.lag)) if each.lag is not None else "-"
    facts = {
        "Reason": each.state_reason,
        "Nobody reads it": shown.unserved,
        "App": each.source if each.packaged else of_source(each.source).title,
        "Parameters": ", ".join(f"{name}={_word(value)}" for name, value in each.parameters.items()),
        "Pool": each.pool,
        "Told when it fails": ", ".join(each.notify_to),
        "Shared with": "all" if each.everybody else ", ".join(each.shared_with),
        "Polls": f"{'adaptive' if shown.interval_seconds is None else f'every {shown.interval}'}; {each.polls} so far",
        "Goes back at most to": f"{shown.history} ({exact(shown.history_start)})",
        "Updates start playbooks": "" if each.packaged else "yes" if each.updates else "no",
        "Last poll": exact(each.polled_at),
        "Next poll": exact(each.next_poll_at) if each.enabled else "-",
        "Read up to": "" if each.packaged else exact(each.watermark),
        "Lag": lag,
        "Hits, misses, errors": f"{each.hits}, {each.misses}, {each.errors}",
        "Restarts": f"{each.failures} of {each.max_restarts}",
    }
    for what, value in facts.items():
        if value:
            say(f"  {what + ':':26}{value}")


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
