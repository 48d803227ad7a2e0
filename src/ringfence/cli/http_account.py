"""`ringfence http-account` and `ringfence egress`."""

import os
from typing import Annotated, Final

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.errors import Invalid
from ringfence.outbound import accounts, destinations
from ringfence.outbound.model import Kind, NewHttpAccount

SECRET_VARIABLE: Final = "RINGFENCE_HTTP_SECRET"

app = typer.Typer(no_args_is_help=True)
egress = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The account's name or id.")]


@app.callback()
def http_account() -> None:
    """Keep the credentials with which playbooks call services by HTTP."""


@egress.callback()
def hosts() -> None:
    """Say which hosts playbooks may call without an account."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What playbooks call it: `with: {account: NAME}`.")],
    address: Annotated[str, typer.Argument(help="Where its credential may go: https://api.contoso.com/v1 and below.")],
    kind: Annotated[
        Kind,
        typer.Option(
            help="A key in a header or in the query, user and password, a token, or OAuth 2 client credentials."
        ),
    ] = Kind.BEARER,
    parameter: Annotated[str, typer.Option(help="The header's or parameter's name, for header and query.")] = "",
    user: Annotated[str, typer.Option(help="The user, for basic.")] = "",
    token_url: Annotated[str, typer.Option(help="Where tokens come from, for oauth2.")] = "",
    client_id: Annotated[str, typer.Option(help="The client's id, for oauth2.")] = "",
    scope: Annotated[str, typer.Option(help="What is asked for, for oauth2.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Add an account. Its secret (key, password, token) is asked for, or taken from RINGFENCE_HTTP_SECRET; it is sealed."""
    called = invocation(context)
    new = NewHttpAccount(
        name=name,
        kind=kind.value,
        address=address,
        secret=_secret(called),
        parameter=parameter,
        user=user,
        token_url=token_url,
        client_id=client_id,
        scope=scope,
    )
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: accounts.add(tx, installation.vault, organization.id, new, by=who(by))
        )
    if json_:
        put({"http_account": form(made)})
        return
    say(f"{made.name} is kept for {made.address}")
    hint(f"Try it: `ringfence action run http.request --with account={made.name} --with url=PATH`.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the accounts, without their secrets."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: accounts.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("There is no HTTP account yet: `ringfence http-account add NAME ADDRESS`.")
    else:
        columns = [Column("name"), Column("kind"), Column("address", flexible=True), Column("how", flexible=True)]
        rows = [
            [
                each.name,
                each.kind,
                each.address,
                ", ".join(f"{name}: {text}" for name, text in each.shown.items()),
                age(each.renewed_at),
            ]
            for each in found
        ]
        table([*columns, Column("secret entered")], rows)


@app.command()
def renew(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Give an account a new secret of the same kind."""
    called = invocation(context)
    secret = _secret(called)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(
            lambda tx: accounts.renew(tx, installation.vault, organization.id, name, secret, by=who(by))
        )
    if json_:
        put({"http_account": form(found)})
    else:
        say(f"{found.name} has a new secret.")


@app.command("remove")
def remove_(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Remove an account and its secret; steps that use it fail from then on."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: accounts.remove(tx, organization.id, name, by=who(by)))
    if json_:
        put({"http_account": form(found)})
    else:
        say(f"{found.name} is removed.")


@egress.command("list")
def listed(context: typer.Context, json_: Json = False) -> None:
    """List the hosts that playbooks may call; those of HTTP accounts are called with these accounts only."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: destinations.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("Playbooks may call no host but those of HTTP accounts: `ringfence egress allow HOST`.")
    else:
        columns = [Column("host", flexible=True), Column("note", flexible=True), Column("allowed"), Column("by")]
        table(columns, [[each.host, each.note, age(each.added_at), each.added_by] for each in found])


@egress.command()
def allow(
    context: typer.Context,
    host: Annotated[str, typer.Argument(help="api.contoso.com, or *.contoso.com for all hosts below it.")],
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Let playbooks call a host. Private networks stay closed all the same (RINGFENCE_EGRESS_PRIVATE)."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(
            lambda tx: destinations.allow(
                tx, organization.id, host, note, by=who(by), allowed=installation.sender.allowed
            )
        )
    if json_:
        put({"destination": form(found)})
    else:
        say(f"Playbooks may call {found.host}.")


@egress.command()
def withdraw(
    context: typer.Context,
    host: Annotated[str, typer.Argument(help="The host as it was allowed.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Let playbooks call a host no more."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: destinations.withdraw(tx, organization.id, host, by=who(by)))
    if json_:
        put({"destination": form(found)})
    else:
        say(f"Playbooks may not call {found.host} any more.")


def _secret(called: Invocation) -> str:
    secret = os.environ.get(SECRET_VARIABLE) or called.outside.ask_secret("Secret") or ""
    if not secret:
        raise Invalid("No secret was given.", advice=f"Type it, or put it into {SECRET_VARIABLE}.")
    return secret
