"""`ringfence drill`. Only rows are written here; a running worker carries the drills."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli import drill_devices, drill_schedules
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Invocation, Json, Limit, invocation, who
from ringfence.cli.moments import age, exact, length
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.drills import desk, records, sightings
from ringfence.drills.model import EICAR_HINT, Drill, Mark, State, Step
from ringfence.drills.records import Device
from ringfence.errors import Conflict, Invalid
from ringfence.playbooks.durations import Duration
from ringfence.storage import Transaction

if TYPE_CHECKING:
    from ringfence.app import App

app = typer.Typer(no_args_is_help=True)
app.add_typer(drill_devices.app, name="device", help="Say on which devices drills may be held; on no other they are.")
app.add_typer(drill_schedules.app, name="schedule", help="Hold drills by the clock.")

INTERVAL: Final = 1.0
"""Seconds between two looks at a drill that is followed."""
_DEFAULT: Final = "30 min"
_MARKS: Final = {Mark.DONE: "ok", Mark.WARNING: "warning", Mark.FAILED: "FAILED"}
Id = Annotated[str, typer.Argument(metavar="ID", help="The drill's id.")]
COLUMNS = [
    Column("id"),
    Column("result"),
    Column("device", flexible=True),
    Column("playbook", flexible=True, optional=True),
    Column("begun"),
    Column("by", optional=True),
    Column("detail", flexible=True, optional=True),
]


class DrillFailed(Conflict):
    """The drill that was followed did not pass."""

    code = "drill_failed"


@app.callback()
def drill() -> None:
    """Rehearse containment on devices that are there for it."""


@app.command()
def run(
    context: typer.Context,
    device: Annotated[str, typer.Option(help="The test device: its name or machine id.")],
    playbook: Annotated[
        str | None, typer.Option(help="The playbook to rehearse; else the only active one that contains.")
    ] = None,
    real: Annotated[
        bool, typer.Option("--real", help="On a real device: a person saves the test file, and it is really cut off.")
    ] = False,
    longest: Annotated[
        str, typer.Option("--max", help="End it, and let the device go, after this time.", metavar="DURATION")
    ] = _DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a real drill.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay until it is over; status 1 if it did not pass.")
    ] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Hold a drill: wait for the test alert, let the playbook contain the device, release it, and keep the scorecard."""
    called = invocation(context)
    patience = seconds(longest)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> tuple[Device, bool, str]:
            where = records.device(tx, organization.id, device)
            meant = desk.playbook(tx, organization.id, playbook)
            return where, sightings.is_simulated(tx, where.account_id), meant

        where, simulated, meant = installation.database.read_now(look)
        if real and not yes and not _confirmed(called, where, simulated):
            raise Invalid("Nothing was begun.", advice="Say yes, or give --yes, to begin a real drill.")
        begun = asyncio.run(
            desk.begin(
                installation.database,
                installation.explain,
                organization.id,
                device,
                playbook,
                real=real,
                by=who(by),
                patience=patience,
            )
        )
        if not json_:
            say(f"Drill {begun.id} on {begun.machine_name} has begun; it rehearses {meant!r}.")
            if real:
                say(EICAR_HINT)
        if not follow:
            if json_:
                put(described(begun))
            else:
                hint(f"A worker carries it. Follow it: `ringfence drill show {begun.id} --follow`.")
            return
        _follow(called, installation, begun.id, json_=json_)


@app.command("list")
def list_(context: typer.Context, limit: Limit = 50, json_: Json = False) -> None:
    """List drills, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.listing(tx, organization.id, limit=limit))
    if json_:
        put({"items": [described(each) for each in found]})
        return
    if not found:
        hint("No drill was ever held: `ringfence drill device add NAME`, then `ringfence drill run --device NAME`.")
        return
    table(COLUMNS, [_row(each) for each in found])


@app.command()
def show(
    context: typer.Context,
    drill_id: Id,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay until it is over; status 1 if it did not pass.")
    ] = False,
    json_: Json = False,
) -> None:
    """Show the scorecard of a drill."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.get(tx, drill_id, organization_id=organization.id))
        if follow:
            _follow(called, installation, found.id, json_=json_)
            return
    if json_:
        put(described(found))
        return
    _show(found)


@app.command()
def abort(context: typer.Context, drill_id: Id, by: By = None, json_: Json = False) -> None:
    """End a drill now; its device is released first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(
            lambda tx: records.abort(tx, drill_id, organization_id=organization.id, by=who(by))
        )
    if json_:
        put(described(found))
        return
    say(f"The drill on {found.machine_name} ends; what it holds is released first.")
    hint(f"Follow it: `ringfence drill show {found.id} --follow`.")


@app.command()
def coverage(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back drills count.")] = 90,
    json_: Json = False,
) -> None:
    """Show which kinds of device were rehearsed, by device group and operating system."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.coverage(tx, organization.id, days=days))
    if json_:
        put({"days": days, "items": found})
        return
    if not found:
        hint("Drills are allowed on no device yet: `ringfence drill device add NAME`.")
        return
    columns = [
        Column("device group", flexible=True),
        Column("system"),
        Column("test devices"),
        Column("drills"),
        Column("passed"),
        Column("last passed"),
    ]
    rows: list[list[Any]] = [
        [
            each.device_group or "none",
            each.os_platform or "unknown",
            str(each.devices),
            str(each.drills),
            str(each.passed),
            age(each.last_passed_at) if each.last_passed_at else "never",
        ]
        for each in found
    ]
    table(columns, rows)


def described(found: Drill) -> dict[str, Any]:
    """Return a drill as JSON."""
    document: dict[str, Any] = form(found)
    for name in ("open_key", "next_at"):
        document.pop(name)
    return document | {"over": found.over}


def seconds(text: str) -> float:
    """Read a duration; Invalid if it is none."""
    try:
        return Duration.parse(text).seconds
    except ValueError as error:
        raise Invalid(str(error), advice="Write for example `30 min`.") from None


def _confirmed(called: Invocation, where: Device, simulated: bool) -> bool:
    of = "a simulator" if simulated else "a real tenant"
    question = f"{where.name} is a device of {of} and will be cut off the network for some minutes. Begin?"
    answer = called.outside.confirm(question)
    if answer is None:
        raise Invalid("Nobody can be asked here.", advice="Give --yes to begin a real drill without a question.")
    return answer


def _follow(called: Invocation, app: "App", drill_id: str, *, json_: bool) -> None:
    told = 0
    detail = ""
    while True:
        found = app.database.read_now(lambda tx: records.get(tx, drill_id))
        if not json_:
            for step in found.steps[told:]:
                say(_line(step))
            told = len(found.steps)
            if found.detail != detail and not found.over:
                detail = found.detail
                hint(detail)
        if found.over:
            break
        called.outside.pause(INTERVAL)
    if json_:
        put(described(found))
    else:
        say(_result(found))
    if found.state is not State.PASSED:
        raise DrillFailed(
            f"The drill on {found.machine_name} did not pass: {found.state}.",
            advice=f"See the scorecard: `ringfence drill show {found.id}`.",
        )


def _show(found: Drill) -> None:
    say(_result(found))
    facts(
        [
            ("device", found.machine_name),
            ("playbook", found.playbook),
            ("kind", "real device" if found.real else "simulated alert"),
            ("begun", f"{exact(found.started_at)} by {found.started_by}"),
            ("aborted by", found.aborted_by or ""),
            ("ends at the latest", "" if found.over else exact(found.deadline_at)),
            ("over", exact(found.finished_at) if found.finished_at else ""),
            ("alert", found.alert_id or ""),
            ("run", found.run_id or ""),
            ("containment", found.containment_id or ""),
        ]
    )
    heading("Scorecard")
    for step in found.steps:
        say(_line(step))
    if not found.steps:
        hint("Nothing yet. Does a worker run? `ringfence serve` is one.")


def _line(step: Step) -> str:
    took = "" if step.seconds is None else f" ({length(timedelta(seconds=step.seconds))})"
    return f"  {_MARKS[step.mark]:<8} {step.name}{took}: {step.detail}"


def _result(found: Drill) -> str:
    if not found.over:
        return f"The drill on {found.machine_name} goes on ({found.state}): {found.detail}".rstrip(": ")
    said = f"The drill on {found.machine_name} {found.state}."
    if found.failures:
        said += f" What failed: {', '.join(step.name for step in found.failures)}."
    return f"{said} {found.detail}"


def _row(found: Drill) -> list[Any]:
    begun = age(found.started_at)
    return [found.id, styled(found.state), found.machine_name, found.playbook, begun, found.started_by, found.detail]
