"""`ringfence incident`: what there is to see; `incident_work` and `incident_ends` have what people do."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from ringfence.cli import incident_ends, incident_forms, incident_work
from ringfence.cli.alert import Severity
from ringfence.cli.documents import form, put
from ringfence.cli.incident_work import Number, whole
from ringfence.cli.invocation import By, Cursor, Json, Limit, invocation
from ringfence.cli.moments import age, exact, length, time_of_day
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.containment import incident_hosts
from ringfence.containment.incident_view import Moment, View, view
from ringfence.incidents import queue, suggestions
from ringfence.incidents.model import number_of
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)

for _command in (
    incident_work.add,
    incident_work.remove,
    incident_work.note,
    incident_work.task,
    incident_work.done,
    incident_forms.fill,
    incident_forms.cancel_task,
    incident_work.assign,
    incident_work.update,
    incident_ends.contain,
    incident_ends.release,
    incident_ends.close,
    incident_ends.reopen,
    incident_ends.merge,
):
    app.command()(_command)


class Which(StrEnum):
    """Which incidents are listed."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"


@app.callback()
def incident() -> None:
    """Work on incidents: alerts, hosts, notes, tasks, and how they ended."""


@app.command("list")
def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    status: Annotated[
        list[Which] | None, typer.Option(case_sensitive=False, help="Only this status; may be given several times.")
    ] = None,
    severity: Annotated[
        list[Severity] | None,
        typer.Option(case_sensitive=False, help="Only this severity; may be given several times."),
    ] = None,
    owner: Annotated[str, typer.Option(help="Only those of this owner; `-` for those that nobody owns.")] = "",
    text: Annotated[str, typer.Option(help="Only those with this in title, owner, reason or number.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List incidents that are not resolved, the newest first."""
    called = invocation(context)
    asked = [each.value for each in status or ()]
    wanted = queue.Filters(
        status=asked or (() if all_ else queue.UNRESOLVED),
        severity=[each.value for each in severity or ()],
        owner=owner,
        text=text,
    )

    def work(tx: Transaction) -> tuple[queue.Page, dict[str, int]]:
        page = queue.page(tx, organization.id, wanted, limit=limit, cursor=cursor)
        return page, incident_hosts.isolated(tx, [row.incident.id for row in page.rows])

    with called.opened() as installation:
        organization = called.organization(installation)
        page, isolated = installation.database.read_now(work)
    if json_:
        put({"items": [_described(row, isolated) for row in page.rows], "next": page.next})
        return
    if not page.rows:
        hint("There are no such incidents." if all_ or asked or text or owner else "No incident is open.")
        hint("An incident begins with an alert: `ringfence alert promote ID`.")
        return
    columns = [
        Column("number", right=True),
        Column("severity"),
        Column("status"),
        Column("age"),
        Column("title", flexible=True),
        Column("owner", optional=True),
        Column("alerts", right=True),
        Column("isolated", right=True),
        Column("tasks", optional=True),
    ]
    table(columns, [_row(row, isolated) for row in page.rows])
    if page.next:
        hint(f"There are more: --cursor {page.next}")


def _described(row: queue.Row, isolated: dict[str, int]) -> dict[str, Any]:
    document: dict[str, Any] = form(row.incident)
    return document | {
        "alerts_count": row.alerts,
        "tasks_count": row.tasks,
        "tasks_undone": row.undone,
        "hosts_isolated": isolated.get(row.incident.id, 0),
    }


def _row(row: queue.Row, isolated: dict[str, int]) -> list[Any]:
    found = row.incident
    tasks = f"{row.tasks - row.undone}/{row.tasks}" if row.tasks else "-"
    counts = [str(row.alerts), str(isolated.get(found.id, 0)), tasks]
    ended = found.resolution or found.status
    return [
        found.name, styled(found.severity), styled(ended.value), age(found.created_at), found.title,
        found.owner or "nobody", *counts,
    ]  # fmt: skip


@app.command()
def show(context: typer.Context, number: Number, json_: Json = False) -> None:
    """Show one incident: its clocks, alerts, hosts, tasks and notes, and what happened."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: view(tx, organization.id, number_of(number)))
    if json_:
        put(whole(found))
        return
    _head(found)
    heading("Clocks")
    table(
        [Column("clock"), Column("after", right=True), Column("at")],
        [[name, length(since) if since is not None else "", exact(at)] for name, at, since in found.clocks.steps()],
    )
    heading("Alerts")
    columns = [Column("id"), Column("severity"), Column("status"), Column("title", flexible=True), Column("machine")]
    table(
        columns,
        [
            [each.id, styled(each.severity), styled(each.status), each.title, each.machine_name or "-"]
            for each in found.contents.alerts
        ],
    )
    if found.hosts:
        heading("Containments")
        rows = [
            [each.containment.id, styled(each.containment.state), each.name, "yes" if each.held else "no"]
            for each in found.hosts
        ]
        table([Column("id"), Column("state"), Column("host", flexible=True), Column("held")], rows)
    if found.contents.tasks:
        heading("Tasks")
        table(
            [
                Column("task", right=True),
                Column("done"),
                Column("title", flexible=True),
                Column("for"),
                Column("due", optional=True),
            ],
            [
                [
                    str(each.number),
                    "yes" if each.done else "no" if each.open else each.state,
                    each.title,
                    each.assignee or "nobody",
                    age(each.due_at),
                ]
                for each in found.contents.tasks
            ],
        )
        for task in found.contents.tasks:
            if task.form is not None:
                say(f"Task {task.number}, {task.title}: {'a run waits for this' if task.open else task.state}")
                for line in incident_forms.asked(task):
                    say(line)
                if task.open:
                    say(f"  Fill it in: {incident_forms.filling(found.incident.number, task)}")
    if found.contents.notes:
        heading("Notes")
        for note in found.contents.notes:
            say(f"{note.by}, {age(note.at)}:")
            for line in note.text.splitlines():
                say(f"  {line}")
    heading("What happened")
    for moment in found.timeline:
        say(_moment(moment))
    for each in found.suggestions:
        _suggested(each, found.incident.number)


@app.command("suggestions")
def suggestions_(
    context: typer.Context,
    number: Number,
    add: Annotated[bool, typer.Option("--add", help="Add them all, in one act.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Show the alerts that Defender put together with this incident's and that are in no incident of ours."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> list[suggestions.Suggestion]:
            return suggestions.of(tx, queue.get(tx, organization.id, number_of(number)))

        found = installation.database.read_now(look)
        ids = [alert.id for each in found for alert in each.alerts]
        if add and ids:
            incident_work.added(called, installation, number_of(number), ids, by)
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    for each in found:
        _suggested(each, number_of(number))
    if not found:
        hint("There is nothing more of Defender's incidents.")
    elif add:
        say(f"Added {len(ids)} alerts." if len(ids) != 1 else "Added 1 alert.")


def _suggested(each: suggestions.Suggestion, number: int) -> None:
    if each.alerts:
        many = "1 more alert" if len(each.alerts) == 1 else f"{len(each.alerts)} more alerts"
        hint(f"{many} of Defender's incident {visible(each.defender_id)} are not in this incident:")
        for alert in each.alerts[:20]:
            hint(f"  {alert.id}  {visible(alert.title)}")
        hint(f"Add them: `ringfence incident suggestions {number} --add`")
    for other in each.elsewhere:
        hint(f"Others of it are in {other.name}, {visible(other.title)}: merge them if they are one story.")


def _head(found: View) -> None:
    incident = found.incident
    facts(
        [
            ("incident", incident.name),
            ("title", incident.title),
            ("severity", styled(incident.severity)),
            ("status", styled(incident.status.value)),
            ("owner", incident.owner or "nobody"),
            ("resolution", incident.resolution.value if incident.resolution else ""),
            ("reason", incident.reason),
            ("merged into", f"#{incident.merged_into}" if incident.merged_into else ""),
            ("hosts isolated", str(found.isolated)),
            ("machines", ", ".join(each.name or each.machine_id for each in found.contents.machines)),
            ("users", ", ".join(each.name for each in found.contents.users)),
            ("promoted", f"{exact(incident.created_at)} by {incident.created_by}"),
            ("resolved", exact(incident.resolved_at) if incident.resolved_at else ""),
        ]
    )


def _moment(moment: Moment) -> Any:
    said = styled(time_of_day(moment.at)).append(f"  {moment.kind:<16}", "bold")
    who = f" ({visible(moment.by)})" if moment.by else f" ({visible(moment.host.name)})" if moment.host else ""
    return said.append(f"  {visible(moment.detail)}{who}", "none")
