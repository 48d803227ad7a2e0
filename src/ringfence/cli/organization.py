"""`ringfence organization`."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, say, table
from ringfence.containment import closing
from ringfence.organizations import service
from ringfence.organizations.model import Organization, State
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The organization's name.")]
Reason = Annotated[str, typer.Option(help="Why, as its people will read it.")]


@app.callback()
def organization() -> None:
    """Make, rename, freeze, close and open organizations, which are strictly apart."""


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List all organizations and how they stand."""
    with invocation(context).opened() as installation:
        found = installation.database.read_now(service.every)
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    columns = [Column("name"), Column("stands"), Column("since", optional=True), Column("why", flexible=True)]
    table(
        columns,
        [[each.name, each.state, age(each.state_since or each.created_at), each.state_reason] for each in found],
    )


@app.command()
def create(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Make an organization; invite its people with `ringfence --organization NAME user invite`."""
    with invocation(context).opened() as installation:
        made = installation.database.run_now(lambda tx: service.create(tx, name))
    _tell(made, f"{made.name} is made.", as_json=json_)


@app.command()
def rename(
    context: typer.Context, name: Name, to: Annotated[str, typer.Argument(help="Its new name.")], json_: Json = False
) -> None:
    """Give an organization another name; its history keeps the old one."""
    with invocation(context).opened() as installation:
        found = installation.database.run_now(lambda tx: service.rename(tx, service.by_name(tx, name).id, to))
    _tell(found, f"{name} is called {found.name} now.", as_json=json_)


@app.command()
def freeze(context: typer.Context, name: Name, reason: Reason, json_: Json = False) -> None:
    """Begin nothing new in an organization: playbooks start nothing, no host is contained. Releases go on."""
    _stand(context, name, State.FROZEN, reason, as_json=json_)


@app.command()
def close(context: typer.Context, name: Name, reason: Reason, json_: Json = False) -> None:
    """Let only System Administrators into an organization, and read no more alerts; refused while it holds a host."""
    _stand(context, name, State.CLOSED, reason, as_json=json_)


@app.command("open")
def open_(context: typer.Context, name: Name, reason: Reason, json_: Json = False) -> None:
    """Open an organization that is frozen or closed; its playbooks and services go on as they were."""
    _stand(context, name, State.ACTIVE, reason, as_json=json_)


def _stand(context: typer.Context, name: str, to: State, reason: str, *, as_json: bool) -> None:
    def work(tx: Transaction) -> Organization:
        found = service.by_name(tx, name)
        return closing.close(tx, found.id, reason) if to is State.CLOSED else service.stand(tx, found.id, to, reason)

    with invocation(context).opened() as installation:
        found = installation.database.run_now(work)
    _tell(found, f"{found.name} is {found.state}.", as_json=as_json)


def _tell(found: Organization, sentence: str, *, as_json: bool) -> None:
    if as_json:
        put({"organization": form(found)})
    else:
        say(sentence)
