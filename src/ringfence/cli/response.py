"""`ringfence response`. Only rows are written here; a running worker carries out what they ask for."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Cursor, Json, Limit, invocation, who
from ringfence.cli.moments import age, exact, length, time_of_day
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.playbooks.durations import Duration
from ringfence.responses import board, in_person
from ringfence.responses.board import Detail, Event, Row
from ringfence.responses.kinds import TRAITS, Kind

app = typer.Typer(no_args_is_help=True)

COLUMNS = [
    Column("id"),
    Column("kind"),
    Column("state"),
    Column("host or values", flexible=True),
    Column("asked for"),
    Column("by", optional=True),
    Column("ends", optional=True),
    Column("reason", flexible=True, optional=True),
]
Reason = Annotated[str, typer.Option(help="Why, in a few words; it is kept, and Defender records it.")]


class Scan(StrEnum):
    """How thorough a scan is."""

    QUICK = "Quick"
    FULL = "Full"


@app.callback()
def response() -> None:
    """Restrict apps, quarantine files, scan, collect, offboard and make indicators; see the proof, take it back."""


@app.command("list")
def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    kind: Annotated[Kind | None, typer.Option(help="Only those of this kind.")] = None,
    text: Annotated[str, typer.Option(help="Only those with this in host, values, reason or requester.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List responses that are not over, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        page = installation.database.read_now(
            lambda tx: board.listing(
                tx, organization.id, live=None if all_ else True, kind=kind, text=text, cursor=cursor, limit=limit
            )
        )
    if json_:
        put({"items": [described(row) for row in page.rows], "next": page.next})
        return
    if not page.rows:
        hint("There are no such responses." if all_ else "Nothing is under way or in effect; --all lists what is over.")
        return
    table(COLUMNS, [_listed(row) for row in page.rows])
    if page.next:
        hint(f"There are more: --cursor {page.next}")


def _listed(row: Row) -> list[Any]:
    asked, ends = age(row.requested_at), age(row.ends_at)
    return [row.id, row.kind.value, styled(row.state), row.name, asked, row.requested_by, ends, row.reason]


def described(row: Row) -> dict[str, Any]:
    """Return a response as JSON; `undo` says how it is taken back, or that it cannot be."""
    document: dict[str, Any] = form(row)
    return document | {"in_effect": row.in_effect}


def proven(found: Detail) -> dict[str, Any]:
    """Return a response with its proof as JSON."""
    more = {"playbook_name": found.playbook_name, "verdict": found.verdict, "made": found.made, "events": found.events}
    return described(found.row) | more | {"also_wanted_by": [each.requested_by for each in found.also_wanted_by]}


@app.command()
def show(
    context: typer.Context,
    response_id: Annotated[str, typer.Argument(metavar="ID", help="The response's id.")],
    json_: Json = False,
) -> None:
    """Show one response: what policy said, each transition with its time, and how it is taken back."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: board.get(tx, organization.id, response_id))
    if json_:
        put(proven(found))
        return
    row = found.row
    facts(
        [
            ("response", row.id),
            ("kind", row.kind.value),
            ("host", row.machine_name or row.target),
            ("machine id", row.machine_id or ""),
            ("exactly", row.what),
            ("account", row.account_name),
            ("state", styled(row.state)),
            ("detail", row.detail),
            ("taking back", row.undo),
            ("reason", row.reason),
            ("asked for by", row.requested_by),
            ("also wanted by", ", ".join(each.requested_by for each in found.also_wanted_by)),
            ("playbook", found.playbook_name or ""),
            ("run", row.run_id or ""),
            ("alert", row.alert_id or ""),
            ("joined", row.joined_id or ""),
            ("asked for", exact(row.requested_at)),
            ("confirmed", exact(row.done_at) if row.done_at else ""),
            ("ends", exact(row.ends_at) if row.ends_at else ""),
            ("undone", exact(row.undone_at) if row.undone_at else ""),
        ]
    )
    if found.verdict is not None:
        heading("Policy")
        say(f"It said: {found.verdict.get('outcome', '')}.")
        for each in found.verdict.get("reasons", ()):
            say(f"  {visible(str(each))}")
    heading("Events")
    for event in found.events:
        say(_line(event))


def _line(event: Event) -> Any:
    since = f"+{length(event.since)}" if event.since is not None else ""
    said = styled(time_of_day(event.at)).append(f"  {since:>12}  ", "dim")
    said.append(f"{event.after:<18}", styled(event.after).style)
    return said.append(f"  {visible(event.detail)}", "none")


@app.command()
def request(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What is to be done.")],
    reason: Reason,
    target: Annotated[
        str, typer.Argument(help="The host: machine id, whole DNS name, or IP address; none for indicators.")
    ] = "",
    sha1: Annotated[str | None, typer.Option(help="The file to stop and quarantine.")] = None,
    scan: Annotated[Scan | None, typer.Option(help="How thorough a scan is.", case_sensitive=False)] = None,
    indicators: Annotated[
        Path | None, typer.Option(help="A file with a JSON list of indicators.", exists=True, dir_okay=False)
    ] = None,
    undo_after: Annotated[
        str | None, typer.Option(help="Lift a restriction by itself after this time.", metavar="DURATION")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Which account, if there are several.")] = None,
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you mean it.")] = False,
    json_: Json = False,
) -> None:
    """Ask for something to be done; policy and people decide, and a running worker carries it out."""
    called = invocation(context)
    parameters: dict[str, Any] = {}
    if sha1 is not None:
        parameters["sha1"] = sha1
    if scan is not None:
        parameters["scan"] = scan.value
    if indicators is not None:
        parameters["indicators"] = _read(indicators)
    if TRAITS[kind].harms and not TRAITS[kind].undoable and not yes:
        sure = called.outside.confirm(f"{TRAITS[kind].undo} Ask for {TRAITS[kind].noun}?")
        if sure is None:
            raise Invalid(f"This is asked about first. {TRAITS[kind].undo}", advice="Add --yes if you mean it.")
        if not sure:
            hint("Nothing was asked for.")
            raise typer.Exit(1)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: in_person.request(
                tx,
                organization_id=organization.id,
                kind=kind.value,
                target=target,
                parameters=parameters,
                reason=reason,
                by=who(by),
                account=account,
                undo_after=_seconds(undo_after),
                deadline=installation.settings.decision_deadline,
            )
        )
        found = installation.database.read_now(lambda tx: board.get(tx, organization.id, made.id))
    if json_:
        put(proven(found))
        return
    say(f"Asked for, as {made.id}: {TRAITS[kind].noun}.")
    say(TRAITS[kind].undo)
    hint("A running worker (`ringfence serve` or `ringfence worker`) carries it out, as policy lets it.")
    hint(f"Follow it: `ringfence response show {made.id}`.")


@app.command()
def undo(
    context: typer.Context,
    response_id: Annotated[str, typer.Argument(metavar="ID", help="The response's id.")],
    reason: Reason,
    by: By = None,
    json_: Json = False,
) -> None:
    """Take something back: cancel what is under way, lift a restriction, delete indicators; only what is ours."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        installation.database.run_now(
            lambda tx: in_person.undo(tx, organization.id, response_id, by=who(by), reason=reason)
        )
        found = installation.database.read_now(lambda tx: board.get(tx, organization.id, response_id))
    if json_:
        put(proven(found))
    elif found.row.over:
        say(f"It is over already: it is {found.row.state}.")
    else:
        say("Asked for; a running worker carries it out.")
        hint(f"Follow it: `ringfence response show {found.row.id}`.")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} cannot be read as JSON: {error}", advice="Give a file with a list of objects.") from None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return Duration.parse(text).seconds
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--undo-after") from None
