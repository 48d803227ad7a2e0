"""`ringfence drill schedule`."""

from typing import Annotated, Any

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.moments import age, exact
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.drills import desk, records
from ringfence.errors import Invalid
from ringfence.playbooks.durations import Duration
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
COLUMNS = [
    Column("id"),
    Column("device", flexible=True),
    Column("playbook", flexible=True),
    Column("when"),
    Column("next"),
    Column("last", flexible=True, optional=True),
]


@app.command()
def add(
    context: typer.Context,
    device: Annotated[str, typer.Option(help="The test device: its name or machine id.")],
    cron: Annotated[str, typer.Option(help="When, as a cron expression: `0 9 * * 1` is Mondays at nine.")],
    time_zone: Annotated[str, typer.Option(help="Whose clock is meant, such as Europe/Rome.")] = "UTC",
    playbook: Annotated[
        str | None, typer.Option(help="The playbook to rehearse; else the only active one that contains.")
    ] = None,
    longest: Annotated[
        str, typer.Option("--max", help="End each, and let the device go, after this time.", metavar="DURATION")
    ] = "30 min",
    by: By = None,
    json_: Json = False,
) -> None:
    """Hold drills by the clock. On a real device somebody must then save the test file within the time."""
    called = invocation(context)
    try:
        patience = Duration.parse(longest).seconds
    except ValueError as error:
        raise Invalid(str(error), advice="Write for example `30 min`.") from None
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: desk.schedule(
                tx, organization.id, device, playbook, cron=cron, time_zone=time_zone, by=who(by), patience=patience
            )
        )
    if json_:
        put(made)
        return
    say(f"The first drill is held {exact(made.next_at)}." if made.next_at else "No moment ever fits this expression.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the schedules, and what became of the last drill of each."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> tuple[list[records.Schedule], dict[str, str]]:
            names = {each.machine_id: each.name for each in records.devices(tx, organization.id)}
            return records.schedules(tx, organization.id), names

        found, names = installation.database.read_now(look)
    if json_:
        put({"items": found})
        return
    if not found:
        hint("No drill is held by the clock: `ringfence drill schedule add --device NAME --cron '0 9 * * 1'`.")
        return
    rows: list[list[Any]] = [
        [
            each.id,
            names.get(each.machine_id, each.machine_id),
            each.playbook,
            f"{each.cron} ({each.time_zone})",
            age(each.next_at),
            each.detail,
        ]
        for each in found
    ]
    table(COLUMNS, rows)


@app.command()
def remove(
    context: typer.Context,
    schedule_id: Annotated[str, typer.Argument(metavar="ID", help="The schedule's id.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Forget a schedule."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        installation.database.run_now(lambda tx: records.unschedule(tx, organization.id, schedule_id, who(by)))
    if json_:
        put({"id": schedule_id, "removed": True})
        return
    say("No drill is held by this schedule any more.")
