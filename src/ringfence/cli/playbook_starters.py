"""`ringfence playbook starters` and `ringfence playbook new`: begin from a playbook that comes with Ringfence."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import Json
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.playbooks import starter


def starters(json_: Json = False) -> None:
    """List the playbooks that come with Ringfence, to begin from."""
    found = list(starter.starters().values())
    if json_:
        put({"items": [each.to_json() for each in found], "next": None})
        return
    columns = [Column("name"), Column("starts on"), Column("what it does", flexible=True)]
    table(columns, [[each.name, each.trigger, each.description] for each in found])
    hint("Take one: `ringfence playbook new --from NAME -o FILE`.")


def new(
    from_: Annotated[str, typer.Option("--from", metavar="NAME", help="The starter to begin from.")],
    name: Annotated[str | None, typer.Option(help="What the playbook is called.")] = None,
    account: Annotated[str | None, typer.Option(help="The account whose alerts start it.")] = None,
    service: Annotated[
        str | None, typer.Option(help="The trigger service that starts it, instead of an account.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="The channel that it tells, where it tells one.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to make; by default it is printed.")
    ] = None,
    json_: Json = False,
) -> None:
    """Make a playbook from one that comes with Ringfence, to be looked at, changed and published."""
    found = starter.find(from_)
    text = starter.made_from(found, name=name, account=account, service=service, channel=channel)
    if output is not None:
        from ringfence.cli.files import save

        save([text.encode()], output)
    if json_:
        put({"starter": found.to_json(), "file": str(output) if output is not None else None, "source": text})
    elif output is None:
        typer.echo(text, nl=False)
    else:
        say(f"{output} is made from {found.name}: {found.description}")
        hint(f"Look at it, then `ringfence playbook publish {output}`.")
