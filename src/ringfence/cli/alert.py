"""`ringfence alert`."""

import asyncio
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from ringfence.alerts import queue
from ringfence.alerts.model import Alert, AlertVersion
from ringfence.alerts.versions import Standing
from ringfence.cli import containment as containments
from ringfence.cli import run as runs
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Cursor, Json, Limit, invocation, who
from ringfence.cli.moments import age, exact
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.containment import board
from ringfence.errors import NotFound
from ringfence.incidents import queue as incident_queue
from ringfence.incidents import service as incidents
from ringfence.incidents.model import Author, Incident, number_of
from ringfence.runs import history
from ringfence.runs.alert_changes import AlertChange
from ringfence.storage import Transaction
from ringfence.triggers.why import PlaybookWhy, VersionWhy, Why, explain

app = typer.Typer(no_args_is_help=True)


class Severity(StrEnum):
    """Defender's words for how bad an alert is."""

    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    INFORMATIONAL = "Informational"
    UNSPECIFIED = "UnSpecified"


class Status(StrEnum):
    """Defender's words for how far an alert is."""

    NEW = "New"
    IN_PROGRESS = "InProgress"
    RESOLVED = "Resolved"
    UNKNOWN = "Unknown"


class Classification(StrEnum):
    """Defender's words for what an alert turned out to be."""

    TRUE_POSITIVE = "TruePositive"
    INFORMATIONAL = "InformationalExpectedActivity"
    FALSE_POSITIVE = "FalsePositive"


@app.callback()
def alert() -> None:
    """Look at the queue of alerts, and change them in Defender."""


@app.command("list")
def list_(
    context: typer.Context,
    severity: Annotated[
        list[Severity] | None,
        typer.Option(case_sensitive=False, help="Only this severity; may be given several times."),
    ] = None,
    status: Annotated[
        list[Status] | None, typer.Option(case_sensitive=False, help="Only this status; may be given several times.")
    ] = None,
    text: Annotated[str, typer.Option(help="Only alerts with this in their title, id or machine.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List alerts in the order of their arrival, the newest first."""
    called = invocation(context)
    wanted = queue.Filters(
        severity=[each.value for each in severity or ()], status=[each.value for each in status or ()], text=text
    )
    with called.opened() as installation:
        organization = called.organization(installation)
        page = installation.database.read_now(
            lambda tx: queue.page(tx, organization.id, wanted, limit=limit, cursor=cursor)
        )
    if json_:
        put({"items": [form(each) for each in page.alerts], "next": page.cursor})
        return
    if not page.alerts:
        hint("There are no such alerts." if severity or status or text else "There are no alerts yet.")
        return
    columns = [
        Column("id"),
        Column("severity"),
        Column("status", optional=True),
        Column("arrived"),
        Column("title", flexible=True),
        Column("machine", flexible=True, optional=True),
        Column("account", optional=True),
    ]
    table(columns, [_row(each) for each in page.alerts])
    if page.cursor:
        hint(f"There are more: --cursor {page.cursor}")


def _row(found: Alert) -> list[Any]:
    machine = found.machine_name or found.machine_id or "-"
    arrived = age(found.ingested_at)
    severity, status = styled(found.severity), styled(found.status)
    return [found.id, severity, status, arrived, found.title, machine, found.account]


@app.command()
def rejected(context: typer.Context, limit: Limit = 50, json_: Json = False) -> None:
    """List what came as an alert and could not be read as one, with the reason, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: queue.rejected(tx, organization.id, limit=limit))
    if json_:
        put({"items": [form(each) | {"raw": each.document} for each in found], "next": None})
        return
    if not found:
        hint("Every document that came could be read as an alert.")
        return
    columns = [Column("id"), Column("came"), Column("account", optional=True), Column("reason", flexible=True)]
    table(columns, [[each.id, age(each.seen_at), each.account, each.reason] for each in found])
    hint("The documents are kept as they came: --json shows them.")


@app.command()
def show(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="Our id of the alert, or Defender's.")],
    json_: Json = False,
) -> None:
    """Show one alert: its machine, how it changed, and what was done about it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(
            tx: Transaction,
        ) -> tuple[Alert, list[AlertVersion], tuple[history.Row, ...], tuple[board.Row, ...], list[Incident]]:
            one = queue.get(tx, organization.id, alert_id)
            return (
                one,
                queue.versions(tx, organization.id, one),
                history.listing(tx, organization.id, installation.vault, history.Filters(alert_id=one.id)).rows,
                board.listing(tx, organization.id, alert_id=one.id).rows,
                incident_queue.of_alerts(tx, organization.id, [one.id]).get(one.id, []),
            )

        found, versions, ran, held, promoted = installation.database.read_now(work)
    if json_:
        more = {"runs": ran, "containments": [containments.described(each) for each in held], "incidents": promoted}
        put(form(found) | {"versions": versions} | more)
        return
    _head(found, promoted)
    heading("Versions")
    columns = [Column("version", right=True), Column("seen"), Column("what"), Column("changed", flexible=True)]
    table(columns, _changes(versions))
    heading("Runs")
    if ran:
        table(runs.COLUMNS, [runs.listed(row) for row in ran])
    else:
        say("No playbook ran for it.")
    if held:
        heading("Containments")
        table(containments.COLUMNS, [containments.listed(row) for row in held])


@app.command()
def promote(
    context: typer.Context,
    alerts: Annotated[list[str], typer.Argument(metavar="ID…", help="Our ids of the alerts, or Defender's.")],
    incident: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Add them to this incident, instead of making one.")
    ] = None,
    title: Annotated[str, typer.Option(help="What a new incident is called; else as the first alert.")] = "",
    owner: Annotated[str, typer.Option(help="Who works on a new incident.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Promote alerts to an incident; those that are in one already take the others there with them."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: incidents.promote(
                tx,
                organization.id,
                alerts,
                Author(who(by)),
                number=number_of(incident) if incident else None,
                title=title,
                owner=owner,
            )
        )
    if json_:
        put(form(made))
        return
    said = "made" if made.created else f"{len(made.added)} added" if made.added else "unchanged"
    say(f"Incident {made.incident.name} ({said}): {made.incident.title}")
    hint(f"See it: `ringfence incident show {made.incident.number}`")


@app.command()
def update(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="Our id of the alert, or Defender's.")],
    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="The new status.")] = None,
    assign: Annotated[str | None, typer.Option(metavar="OWNER", help="The new owner, e.g. soc@contoso.com.")] = None,
    classification: Annotated[
        Classification | None, typer.Option(case_sensitive=False, help="What it turned out to be.")
    ] = None,
    determination: Annotated[
        str | None, typer.Option(help="The finer reason, as Defender names it, e.g. Malware or SecurityTesting.")
    ] = None,
    comment: Annotated[str | None, typer.Option(help="A comment to add.")] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Change an alert in Defender, or comment on it; what is not named stays as it is, and no playbook starts because of it."""
    called = invocation(context)
    wanted = AlertChange(
        status=status.value if status else None,
        assigned_to=assign,
        classification=classification.value if classification else None,
        determination=determination,
        comment=comment,
    )
    with called.opened() as installation:
        organization = called.organization(installation)
        found = asyncio.run(
            installation.change_alert(organization=organization, alert_id=alert_id, wanted=wanted, by=who(by))
        )
    if json_:
        put({"id": found.id, "alert_id": found.alert_id, "changed": wanted.values()})
        return
    changed = ", ".join(each.replace("_", " ") for each in wanted.values())
    say(f"Defender has changed the alert ({changed}): {found.title}.")
    hint("The queue shows it after the next poll.")


@app.command()
def why(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="Our id of the alert, or Defender's.")],
    version: Annotated[int | None, typer.Option(min=1, help="Only this version; by default all of them.")] = None,
    json_: Json = False,
) -> None:
    """Say why an alert did or did not start each playbook, version by version, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> Why:
            return explain(tx, organization.id, queue.get(tx, organization.id, alert_id))

        found = installation.database.read_now(work)
    wanted = [each for each in found.versions if version in (None, each.version)]
    if not wanted:
        raise NotFound(f"The alert has no version {version}.", advice=f"Its present version is {found.alert.version}.")
    if json_:
        put({"id": found.alert.id, "alert_id": found.alert.alert_id, "notes": found.notes, "versions": wanted})
        return
    say(found.alert.title)
    for note in found.notes:
        say(note)
    for each in wanted:
        _explained(each)


def _explained(found: VersionWhy) -> None:
    did = [each.replace("_", " ") for each in found.changes] or [_STANDINGS.get(found.standing, found.standing.value)]
    heading(f"Version {found.version}, seen {exact(found.seen_at)}: {', '.join(did)}")
    if found.note:
        say(found.note)
    if found.playbooks:
        columns = [Column("playbook"), Column("verdict"), Column("run", optional=True), Column("why", flexible=True)]
        table(columns, [_judged(each) for each in found.playbooks])


def _judged(found: PlaybookWhy) -> list[Any]:
    name = f"{found.playbook} {found.number}" if found.number else found.playbook
    return [name, styled(found.verdict), found.run_id or "-", found.reason]


def _head(found: Alert, promoted: list[Incident]) -> None:
    machine = " ".join(part for part in (found.machine_name, found.machine_id and f"({found.machine_id})") if part)
    facts(
        [
            ("alert", found.id),
            ("Defender's id", found.alert_id),
            ("account", found.account),
            ("title", found.title),
            ("severity", styled(found.severity)),
            ("status", styled(found.status)),
            ("category", found.category),
            ("machine", machine or "-"),
            ("incident", ", ".join(f"{each.name} ({each.status})" for each in promoted)),
            ("Defender's incident", found.incident_id or ""),
            ("assigned to", found.assigned_to or ""),
            ("happened", exact(found.event_at)),
            ("created", exact(found.created_at)),
            ("updated", exact(found.updated_at)),
            ("arrived here", exact(found.ingested_at)),
        ]
    )


_STANDINGS: Final = {
    Standing.LATE: "came late",
    Standing.OWN: "Ringfence's own change",
    Standing.MIXED: "with Ringfence's own change",
}


def _changes(versions: list[AlertVersion]) -> list[list[str]]:
    rows = []
    for version in versions:
        said = [*(each.replace("_", " ") for each in version.transitions or ()), _STANDINGS.get(version.standing, "")]
        fields = [each.field for each in version.differences.fields]
        more = [f"and {version.differences.left_out} more"] if version.differences.left_out else []
        rows.append(
            [
                str(version.version),
                exact(version.seen_at),
                ", ".join(filter(None, said)),
                ", ".join([*fields, *more]),
            ]
        )
    return rows
