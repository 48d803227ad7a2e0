"""`ringfence playbook profile`: inputs that are kept to try playbooks with."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.json_files import read_object
from ringfence.cli.terminal import Column, hint, say, table

app = typer.Typer(no_args_is_help=True)
Playbook = Annotated[str, typer.Argument(help="The playbook's name; it need not be published.")]
Name = Annotated[str, typer.Argument(help="The profile's name.")]


@app.callback()
def profile() -> None:
    """Keep inputs to try a playbook with: `ringfence playbook dry-run --profile NAME`."""


@app.command()
def save(
    context: typer.Context,
    playbook: Playbook,
    name: Name,
    alert: Annotated[str | None, typer.Option(help="A copy of a stored alert: our id or Defender's.")] = None,
    document: Annotated[
        str | None, typer.Option(metavar="FILE", help="A JSON document that stands for the trigger; - is stdin.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account to read with, where it is not clear.")] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Keep an input under a name, in the place of the one that has it."""
    from ringfence.rehearsals import profiles

    given = read_object(document) if document is not None else None
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: profiles.save(
                tx, organization.id, playbook, name, by=who(by), alert=alert, document=given, account=account
            )
        )
    if json_:
        put({"profile": form(made)})
    else:
        say(f"{made.name} is kept for {made.playbook}{f', from {made.origin}' if made.origin else ''}.")


@app.command("list")
def list_(
    context: typer.Context,
    playbook: Annotated[str | None, typer.Argument(help="Only those of this playbook.")] = None,
    json_: Json = False,
) -> None:
    """List what is kept."""
    from ringfence.rehearsals import profiles

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: profiles.every(tx, organization.id, playbook))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    if not found:
        hint("Nothing is kept yet: `ringfence playbook profile save PLAYBOOK NAME --alert ID`.")
        return
    columns = [Column("playbook", flexible=True), Column("name"), Column("from"), Column("by", optional=True)]
    table(columns, [[each.playbook, each.name, each.origin or "a document", each.saved_by] for each in found])


@app.command()
def show(context: typer.Context, playbook: Playbook, name: Name, json_: Json = False) -> None:
    """Print the document of one, as JSON; `--json` prints the whole profile."""
    from ringfence.rehearsals import profiles

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: profiles.get(tx, organization.id, playbook, name))
    put({"profile": form(found)} if json_ else found.document)


@app.command()
def remove(context: typer.Context, playbook: Playbook, name: Name, json_: Json = False) -> None:
    """Forget one."""
    from ringfence.rehearsals import profiles

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        installation.database.run_now(lambda tx: profiles.remove(tx, organization.id, playbook, name))
    if json_:
        put({"removed": name})
    else:
        say(f"{name} is not kept any more.")
