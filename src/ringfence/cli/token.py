"""`ringfence token`."""

from datetime import timedelta
from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.errors import Forbidden
from ringfence.organizations import members
from ringfence.security import tokens
from ringfence.security.rbac import PERMISSIONS, command_line, parse_role
from ringfence.security.tokens import Token
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)


@app.callback()
def token() -> None:
    """Make and revoke the tokens with which programs use the API."""


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What uses it, and where: 'ticket bridge on srv-4'.")],
    scope: Annotated[
        list[str], typer.Option(help="What it may, a permission such as alert:read; several are allowed.")
    ],
    user: Annotated[str | None, typer.Option(help="Whose token it is: it may never more than they may.")] = None,
    role: Annotated[str | None, typer.Option(help="The role of a service, whose token outlives people.")] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="After how many days it ends.")] = 30,
    json_: Json = False,
) -> None:
    """Make a token for --user or for a service with a --role. It is shown once: only the token goes to stdout."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        actor = command_line(who(None), organization.id)

        def work(tx: Transaction) -> tuple[Token, str]:
            owner = members.by_name(tx, organization.id, user) if user is not None else None
            scopes = tokens.parse_scopes(scope)
            beyond = sorted(each for each in scopes if owner and each not in PERMISSIONS[owner.role])
            if owner is not None and beyond:
                raise Forbidden(
                    f"{owner.name} is {owner.role.label}, and may not do what the token would: {', '.join(beyond)}.",
                    advice="Leave these scopes out, or give the person another role first.",
                )
            return tokens.create(
                tx,
                actor,
                name,
                scopes,
                timedelta(days=days),
                service_role=parse_role(role) if role is not None else None,
                user_id=owner.user_id if owner is not None else None,
            )

        made, secret = installation.database.run_now(work)
    if json_:
        put({"token": _document(made), "secret": secret})
        return
    say(secret)
    hint(f"Keep it where {made.name} reads its secrets; it is shown once, and ends {age(made.expires_at)}.")


@app.command("list")
def list_(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only theirs.")] = None,
    json_: Json = False,
) -> None:
    """List the tokens of an organization, without what is secret."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> list[Token]:
            owner = members.by_name(tx, organization.id, user).user_id if user is not None else None
            return tokens.listing(tx, organization.id, user_id=owner)

        found = installation.database.read_now(look)
    if json_:
        put({"items": [_document(each) for each in found], "next": None})
    elif not found:
        hint("There is no token: `ringfence token create NAME --scope alert:read --role read_only`.")
    else:
        columns = [
            Column("id"),
            Column("name", flexible=True),
            Column("of"),
            Column("state"),
            Column("used", optional=True),
            Column("ends", optional=True),
        ]
        rows = [
            [each.id, each.name, _whose(each), each.state, age(each.used_at), age(each.expires_at)] for each in found
        ]
        table(columns, rows)


@app.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(help="Its id, as `token list` shows it.")],
    json_: Json = False,
) -> None:
    """End a token at once."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> Token:
            return tokens.revoke(tx, tokens.get(tx, organization.id, token_id), who(None))

        found = installation.database.run_now(work)
    if json_:
        put({"token": _document(found)})
    else:
        say(f"{found.name} is {found.state}.")


def _document(found: Token) -> dict[str, object]:
    return {**form(found), "state": found.state.value}


def _whose(found: Token) -> str:
    return found.user_name or f"a service ({found.role})"
