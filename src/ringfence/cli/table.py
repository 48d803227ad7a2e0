"""`ringfence table`."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence import clock
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.errors import Invalid
from ringfence.playbooks.durations import until
from ringfence.storage import Transaction
from ringfence.tables import entries, service, sheet
from ringfence.tables.model import Entry, Kind, NewEntry

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The table's name or id.")]
Values = Annotated[list[str], typer.Argument(help="One value or more.")]


@app.callback()
def tables() -> None:
    """Keep the lists that playbooks look things up in: VIPs, exclusions, owners."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What playbooks call it: `with: {table: NAME}`.")],
    kind: Annotated[
        Kind, typer.Option(help="How values are compared: as text, as addresses in networks, or as domains.")
    ] = Kind.TEXT,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Make a table."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: service.make(tx, organization.id, name, kind, description, by=who(by))
        )
    if json_:
        put({"table": form(made)})
        return
    say(f"{made.name} is made.")
    hint(f"Fill it: `ringfence table put {made.name} VALUE`, or `ringfence table import {made.name} FILE`.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the tables and how much is in them."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: service.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("There is no table yet: `ringfence table add NAME`.")
    else:
        columns = [Column("name"), Column("kind"), Column("entries", right=True), Column("expired", right=True)]
        rows = [[each.name, each.kind, str(each.entries), str(each.expired), each.description] for each in found]
        table([*columns, Column("what it is for", flexible=True)], rows)


@app.command("remove")
def remove_(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is removed.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Remove a table with all its entries."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: service.by_name(tx, organization.id, name))
        if not yes and not called.outside.confirm(f"Remove {found.name} with {found.entries} entries?"):
            raise Invalid("Nothing was removed.", advice="Give --yes if that is what you want.")
        installation.database.run_now(lambda tx: service.remove(tx, organization.id, found.id, by=who(by)))
    if json_:
        put({"table": form(found)})
    else:
        say(f"{found.name} is removed.")


@app.command("put")
def put_(
    context: typer.Context,
    name: Name,
    values: Values,
    note: Annotated[str, typer.Option(help="Why they are in it.")] = "",
    expires: Annotated[str, typer.Option(help="When they count no more: `7 d`, or a moment in ISO 8601.")] = "",
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="NAME=TEXT", help="What else is known; may be given again.")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Put values into a table; an entry with the same value is replaced."""
    called = invocation(context)
    moment, data = _moment(expires), _fields(field or [])
    new = [NewEntry(each, note, moment, data) for each in values]
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> int:
            return entries.put(tx, service.by_name(tx, organization.id, name), new, by=who(by))

        added = installation.database.run_now(work)
    _told(json_, {"added": added, "replaced": len(values) - added}, f"{added} added, {len(values) - added} replaced.")


@app.command("take-out")
def take_out(context: typer.Context, name: Name, values: Values, by: By = None, json_: Json = False) -> None:
    """Take values out of a table."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> int:
            return entries.take_out(tx, service.by_name(tx, organization.id, name), values, by=who(by))

        removed = installation.database.run_now(work)
    _told(json_, {"removed": removed}, f"{removed} of {len(values)} were in it, and are no more.")


@app.command("take-out-expired")
def take_out_expired(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Take out of a table what has expired."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> int:
            return entries.take_out_expired(tx, service.by_name(tx, organization.id, name), by=who(by))

        removed = installation.database.run_now(work)
    _told(json_, {"removed": removed}, f"{removed} had expired.")


@app.command("entries")
def entries_(
    context: typer.Context,
    name: Name,
    text: Annotated[str, typer.Option(help="Only entries with this in value or note.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=entries.MOST_ENTRIES, help="How many at most.")] = 100,
    json_: Json = False,
) -> None:
    """List what is in a table."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> list[Entry]:
            return entries.listed(tx, service.by_name(tx, organization.id, name), text=text, limit=limit)

        found = installation.database.read_now(work)
    if json_:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("There is nothing in it." if not text else "Nothing in it fits.")
    else:
        columns = [Column("value", flexible=True), Column("state"), Column("note", flexible=True)]
        more = [Column("more", flexible=True, optional=True), Column("added", optional=True), Column("by")]
        table([*columns, *more], [_row(each) for each in found])


@app.command()
def lookup(context: typer.Context, name: Name, values: Values, json_: Json = False) -> None:
    """Look values up as a playbook would."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> list[entries.Found]:
            return entries.look_up(tx, service.by_name(tx, organization.id, name), values)

        found = installation.database.read_now(work)
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    rows = [[each.value, each.entry.value if each.entry else "not found", _note(each.entry)] for each in found]
    table([Column("value", flexible=True), Column("found by", flexible=True), Column("note", flexible=True)], rows)


@app.command("import")
def import_(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 with the columns value, note, expires_at …; - for stdin.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take everything else out.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Put what a CSV file holds into a table: all of it, or nothing where a line cannot be kept."""
    called = invocation(context)
    try:
        content = sys.stdin.buffer.read(sheet.MOST_BYTES + 1) if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Invalid(f"The file {file} cannot be read: {error.strerror}.") from None
    new = sheet.read(content)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> int:
            found = service.by_name(tx, organization.id, name)
            if replace:
                entries.empty(tx, found, by=who(by))
                found = service.by_name(tx, organization.id, name)
            return entries.put(tx, found, new, by=who(by))

        added = installation.database.run_now(work)
    _told(json_, {"read": len(new), "added": added}, f"{len(new)} read, {added} of them added.")


@app.command()
def export(
    context: typer.Context,
    name: Name,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it; else stdout.")] = None,
) -> None:
    """Write a table as CSV; no cell of it is a formula for a spreadsheet."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> list[Entry]:
            return entries.listed(tx, service.by_name(tx, organization.id, name), limit=entries.MOST_ENTRIES)

        found = installation.database.read_now(work)
    if output is None:
        sys.stdout.write(sheet.write(found))
        return
    try:
        output.write_text(sheet.write(found), encoding="utf-8", newline="")
    except OSError as error:
        raise Invalid(f"{output} cannot be written: {error.strerror}.") from None
    hint(f"{len(found)} entries are in {output}.")


def _told(as_json: bool, document: dict[str, int], sentence: str) -> None:
    if as_json:
        put(document)
    else:
        say(sentence)


def _moment(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        return until(text, clock.now())
    except ValueError:
        raise Invalid(f"{text[:40]!r} is not a moment to come.", advice="Write 7 d or 2026-12-31.") from None


def _fields(given: list[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            raise Invalid(f"{each[:60]!r} is no field.", advice="Write --field owner=ines.")
        found[name.strip()] = text
    return found


def _note(entry: Entry | None) -> str:
    return entry.note if entry else ""


def _row(entry: Entry) -> list[Any]:
    more = ", ".join(f"{name}: {text}" for name, text in entry.data.items())
    state = (
        "expired" if entry.expired(clock.now()) else "ends " + age(entry.expires_at) if entry.expires_at else "valid"
    )
    return [entry.value, styled(state), entry.note, more, age(entry.added_at), entry.added_by]
