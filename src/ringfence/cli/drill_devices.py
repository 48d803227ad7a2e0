"""`ringfence drill device`."""

import asyncio
from typing import Annotated, Any

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.drills import desk, records

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The device: its name, or Defender's machine id.")]
COLUMNS = [
    Column("name", flexible=True),
    Column("machine id", optional=True),
    Column("device group", optional=True),
    Column("system"),
    Column("allowed"),
    Column("by", optional=True),
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    account: Annotated[str | None, typer.Option(help="Whose device, if not that of the account that contains.")] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Allow drills on a device, which Defender must know by exactly this name. It will be isolated by each drill."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = asyncio.run(
            installation.explain(organization_id=organization.id, target=name, account=account, by_person=True)
        )
        made = installation.database.run_now(lambda tx: desk.allow(tx, organization.id, account, found, who(by)))
    if json_:
        put(made)
        return
    say(f"Drills are allowed on {made.name} ({made.machine_id}).")
    hint(f"Hold one: `ringfence drill run --device {made.name} --follow`.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the devices on which drills are allowed."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.devices(tx, organization.id))
    if json_:
        put({"items": found})
        return
    if not found:
        hint("Drills are allowed on no device yet: `ringfence drill device add NAME`.")
        return
    rows: list[list[Any]] = [
        [
            each.name,
            each.machine_id,
            each.device_group or "none",
            each.os_platform or "unknown",
            age(each.added_at),
            each.added_by,
        ]
        for each in found
    ]
    table(COLUMNS, rows)


@app.command()
def remove(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Forbid drills on a device again, and forget its schedules; a drill that goes on ends as it would."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        gone = installation.database.run_now(lambda tx: records.remove_device(tx, organization.id, name, who(by)))
    if json_:
        put(gone)
        return
    say(f"Drills are not allowed on {gone.name} any more.")
