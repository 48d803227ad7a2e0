"""`ringfence run`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.files import save
from ringfence.cli.invocation import Cursor, Json, Limit, invocation
from ringfence.cli.moments import age, exact, length, time_of_day
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.runs import attachments, history
from ringfence.runs.attachments import Attachment
from ringfence.runs.history import Detail, Line, Row, Step
from ringfence.runs.model import RunStatus

app = typer.Typer(no_args_is_help=True)

COLUMNS = [
    Column("id"),
    Column("status"),
    Column("requested"),
    Column("took", optional=True, right=True),
    Column("playbook", flexible=True),
    Column("machine", flexible=True, optional=True),
    Column("what is wrong", flexible=True, optional=True),
]


@app.callback()
def run() -> None:
    """Look at what playbooks did, step by step."""


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[
        list[RunStatus] | None, typer.Option(help="Only runs of this status; may be given several times.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List runs, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        wanted = tuple(each.value for each in status or ())
        page = installation.database.read_now(
            lambda tx: history.listing(tx, organization.id, status=wanted, cursor=cursor, limit=limit)
        )
    if json_:
        put({"items": [form(row) for row in page.rows], "next": page.next})
        return
    if not page.rows:
        hint("There are no such runs." if status else "There are no runs yet.")
        return
    table(COLUMNS, [listed(row) for row in page.rows])
    if page.next:
        hint(f"There are more: --cursor {page.next}")


def listed(row: Row) -> list[Any]:
    """Return a run as a row under `COLUMNS`."""
    playbook = f"{row.playbook_name} {row.version}"
    took = length(row.took)
    machine = row.machine_name or "-"
    return [row.id, styled(row.status), age(row.requested_at), took, playbook, machine, row.error]


@app.command()
def show(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
    values: Annotated[bool, typer.Option("--values", help="Also each step's input and output.")] = False,
    json_: Json = False,
) -> None:
    """Show one run: why it ran, each step with its outcome, and the log."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: history.get(tx, organization.id, run_id))
    if json_:
        put(
            form(found.row)
            | {"trigger": found.trigger, "steps": found.steps, "log": found.lines}
            | {"older_lines": found.older_lines}
        )
        return
    _head(found)
    _steps(found, values=values)
    _log(found)


@app.command()
def attachment(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
    name: Annotated[
        str | None,
        typer.Argument(help="The file's name, or step/name where several have it, or its id; all are listed without."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it, - for stdout; else under its name."),
    ] = None,
    json_: Json = False,
) -> None:
    """List the files that the steps of a run left behind, or write one of them; no file is ever written over."""
    if json_ and output == "-":
        raise typer.BadParameter("stdout cannot hold both the file and the JSON document.")
    called = invocation(context)
    with called.opened() as installation:
        database, organization = installation.database, called.organization(installation)
        if name is None:
            _list_files(database.read_now(lambda tx: attachments.listing(tx, organization.id, run_id)), as_json=json_)
            return
        found = database.read_now(lambda tx: attachments.get(tx, organization.id, run_id, name))
        if output == "-":
            for piece in attachments.pieces_now(database, found):
                sys.stdout.buffer.write(piece)
            return
        path = save(attachments.pieces_now(database, found), Path(output or found.name))
    if json_:
        put(form(found) | {"path": str(path)})
    else:
        say(f"{path}: {found.size} bytes, SHA-256 {found.sha256}.")
        hint("It comes from a host under suspicion: open it where it can do no harm.")


def _list_files(found: Sequence[Attachment], *, as_json: bool) -> None:
    if as_json:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("No step of this run left a file behind.")
    else:
        columns = [
            Column("name", flexible=True),
            Column("step"),
            Column("bytes", right=True),
            Column("SHA-256", optional=True),
        ]
        table(columns, [[each.name, each.step, str(each.size), each.sha256] for each in found])


def _head(found: Detail) -> None:
    row = found.row
    alert = f"{row.alert_title or 'alert'} ({row.alert_id})" if row.alert_id else ""
    facts(
        [
            ("run", row.id),
            ("playbook", f"{row.playbook_name} {row.version}"),
            ("status", styled(row.status)),
            ("what is wrong", row.error),
            ("because of", alert),
            ("machine", row.machine_name or ""),
            ("requested", exact(row.requested_at)),
            ("started", exact(row.started_at)),
            ("finished", exact(row.finished_at)),
            ("took", length(row.took)),
        ]
    )


def _steps(found: Detail, *, values: bool) -> None:
    heading("Steps")
    if not found.steps:
        say("None has started.")
        return
    columns = [
        Column("step"),
        Column("action", optional=True),
        Column("status"),
        Column("outcome"),
        Column("attempt", right=True, optional=True),
        Column("started"),
        Column("took", right=True),
    ]
    table(columns, [_step(step) for step in found.steps])
    for step in found.steps:
        # An error is whole sentences: below the table it is never cut.
        if step.error:
            say(f"{_name(step)}: {step.error}")
        if step.status == "waiting" and step.wake_at is not None:
            say(f"{_name(step)}: is looked at again {age(step.wake_at)}")
    if values:
        for step in found.steps:
            if step.input is not None or step.output is not None:
                heading(f"Step {_name(step)}")
                put({"input": step.input, "output": step.output})


def _name(step: Step) -> str:
    return step.step if step.iteration == 0 else f"{step.step}[{step.iteration}]"


def _step(step: Step) -> list[Any]:
    started = time_of_day(step.started_at) if step.started_at else "-"
    attempt = str(step.attempt) if step.started_at else "-"
    took = length(step.took)
    return [_name(step), step.action, styled(step.status), step.outcome or "-", attempt, started, took]


def _log(found: Detail) -> None:
    heading("Log")
    if found.older_lines:
        say("(Older lines are left out.)")
    for line in found.lines:
        say(_line(line))
    if not found.lines:
        say("Nothing was logged.")


def _line(line: Line) -> Any:
    said = styled(time_of_day(line.at)).append(f"  {visible(line.level):<7}  ", styled(line.level).style)
    where = f"{line.step}: " if line.step else ""
    more = "".join(f"  {name}={value}" for name, value in sorted(dict(line.fields or {}).items()))
    return said.append(visible(f"{where}{line.message}"), "none").append(visible(more), "dim")
