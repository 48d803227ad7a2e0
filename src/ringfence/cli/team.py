"""`ringfence team`."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.organizations import teams

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The team's name, as playbooks use it: `of: NAME`.")]


@app.callback()
def team() -> None:
    """Name the people who are asked together."""


@app.command("set")
def set_(
    context: typer.Context,
    name: Name,
    people: Annotated[list[str], typer.Argument(help="The names by which its people sign in.")],
    json_: Json = False,
) -> None:
    """Make a team, or replace its people."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(lambda tx: teams.put(tx, organization.id, name, people))
        unknown = installation.database.read_now(lambda tx: teams.strangers(tx, made))
    if json_:
        put({"team": form(made)})
    else:
        say(f"{made.name}: {', '.join(made.people)}.")
        if unknown:
            hint(
                f"Nobody signs in here as {' or '.join(unknown)}: check the names. "
                "Who has a channel of their own can answer by its links."
            )


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the teams and their people."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: teams.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("There is no team yet: `ringfence team set NAME PERSON…`.")
    else:
        columns = [Column("name"), Column("people", flexible=True), Column("changed", optional=True)]
        table(columns, [[each.name, ", ".join(each.people), age(each.changed_at)] for each in found])


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Remove a team; questions that it was asked stay with its people."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: teams.remove(tx, organization.id, name))
    if json_:
        put({"team": form(found)})
    else:
        say(f"{found.name} is removed.")
