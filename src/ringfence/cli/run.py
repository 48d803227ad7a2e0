"""`ringfence run`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence import clock
from ringfence.alerts import queue
from ringfence.cli.documents import form, put
from ringfence.cli.files import save
from ringfence.cli.invocation import Cursor, Json, Limit, invocation
from ringfence.cli.moments import age, length
from ringfence.cli.run_cancel import cancel
from ringfence.cli.run_rerun import rerun
from ringfence.cli.run_saved import rate, saved
from ringfence.cli.run_story import document, tell
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.playbooks import rounds
from ringfence.runs import attachments, detail, history
from ringfence.runs.attachments import Attachment
from ringfence.runs.history import Filters, Page, Row
from ringfence.runs.model import RunStatus
from ringfence.services.history import start
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
app.command()(cancel)
app.command()(rerun)
app.command()(saved)
app.command()(rate)

COLUMNS = [
    Column("id"),
    Column("status"),
    Column("requested"),
    Column("took", optional=True, right=True),
    Column("playbook", flexible=True),
    Column("machine", flexible=True, optional=True),
    Column("what is wrong", flexible=True, optional=True),
]


class Side(StrEnum):
    """What went into a step, or what came out of it."""

    INPUT = "input"
    OUTPUT = "output"


@app.callback()
def run() -> None:
    """Look at what playbooks did, step by step."""


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[
        list[RunStatus] | None, typer.Option(help="Only runs of this status; may be given several times.")
    ] = None,
    playbook: Annotated[str | None, typer.Option(help="Only runs of this playbook: its name or id.")] = None,
    version: Annotated[str | None, typer.Option(help="Only runs of this version, e.g. 1.3.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only runs asked for since then: '2 hours ago', 2026-01-31.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Only runs asked for before then.")] = None,
    machine: Annotated[
        str | None, typer.Option(help="Only runs about this machine: its id or part of its name.")
    ] = None,
    alert: Annotated[str | None, typer.Option(help="Only runs about this alert: our id or Defender's.")] = None,
    trigger: Annotated[
        list[str] | None, typer.Option(help="Only runs that this started, e.g. manual; may be given several times.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List runs, the newest first."""
    called = invocation(context)
    now = clock.now()
    filters = Filters(
        status=tuple(each.value for each in status or ()),
        playbook=playbook,
        version=version,
        machine=machine,
        triggers=tuple(trigger or ()),
        since=None if since is None else start(since, now),
        until=None if until is None else start(until, now),
    )
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> Page:
            about = filters if alert is None else replace(filters, alert_id=queue.get(tx, organization.id, alert).id)
            return history.listing(tx, organization.id, installation.vault, about, cursor=cursor, limit=limit)

        page = installation.database.read_now(look)
    if json_:
        put({"items": [form(row) for row in page.rows], "next": page.next})
        return
    if not page.rows:
        hint("There are no such runs." if filters or alert else "There are no runs yet.")
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
    log: Annotated[bool, typer.Option("--log", help="Also the older lines of the log.")] = False,
    json_: Json = False,
) -> None:
    """Show one run: why it ran, what went wrong, each step with its outcome and attempts, and the log."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: detail.get(tx, organization.id, run_id, installation.vault, whole=json_ or values or log)
        )
    if json_:
        put(document(found))
    else:
        tell(found, values=values, log=log)


@app.command()
def value(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
    step: Annotated[str, typer.Argument(help="The step's name; of a loop's item `step[3]`, as the run shows it.")],
    side: Annotated[Side, typer.Argument(help="Its input or its output.")] = Side.OUTPUT,
) -> None:
    """Print the whole input or output of a step as JSON, however large it is."""
    called = invocation(context)
    name, iteration = _split(step)
    with called.opened() as installation:
        organization = called.organization(installation)
        text = installation.database.read_now(
            lambda tx: detail.value(tx, organization.id, run_id, name, iteration, side.value, installation.vault)
        )
    put(json.loads(text))


def _split(step: str) -> tuple[str, int]:
    name, bracket, rest = step.partition("[")
    if not bracket:
        return step, 0
    iteration = rounds.read(rest.removesuffix("]"))
    if iteration is None:
        raise typer.BadParameter(
            f"{step[:60]!r} is not a step. Write its name, or name[3] for the third item of a loop."
        )
    return name, iteration


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
