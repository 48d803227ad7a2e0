"""`ringfence session`."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.errors import Invalid
from ringfence.organizations import members
from ringfence.security import devices, sessions
from ringfence.security.sessions import Session
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name by which the person signs in.")]


@app.callback()
def session() -> None:
    """See from which browsers people are signed in, and sign them out."""


@app.command("list")
def list_(context: typer.Context, name: Name, json_: Json = False) -> None:
    """List the browsers from which a person is signed in."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> list[Session]:
            return sessions.of_user(tx, members.by_name(tx, organization.id, name).user_id)

        found = installation.database.read_now(look)
    if json_:
        put({"items": [_document(each) for each in found], "next": None})
    elif not found:
        hint(f"{name} is signed in nowhere.")
    else:
        columns = [Column("id"), Column("browser", flexible=True), Column("address"), Column("seen"), Column("by")]
        table(
            columns,
            [[each.id, devices.words(each.agent), each.address or "-", age(each.seen_at), each.how] for each in found],
        )


@app.command()
def revoke(
    context: typer.Context,
    name: Name,
    session_id: Annotated[str | None, typer.Argument(help="The session, as `session list` shows it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    json_: Json = False,
) -> None:
    """Sign a person out, of one browser or of --all, at once."""
    if (session_id is None) is not every:
        raise Invalid("It is not clear which sessions are meant.", advice="Name one, or all of them by --all.")
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> int:
            user_id = members.by_name(tx, organization.id, name).user_id
            if session_id is None:
                return sessions.revoke_all(tx, user_id)
            sessions.revoke(tx, user_id, session_id)
            return 1

        count = installation.database.run_now(work)
    if json_:
        put({"ended": count})
    else:
        say(f"{name} is signed out of {count} browser{'' if count == 1 else 's'}.")


def _document(found: Session) -> dict[str, object]:
    said = form(found)
    return {name: value for name, value in said.items() if name not in ("csrf", "user")} | {
        "browser": devices.words(found.agent)
    }
