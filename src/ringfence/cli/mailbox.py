"""`ringfence mailbox`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.arrivals import arrivals, rows
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Invocation, Json, Limit, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.listeners import mailboxes
from ringfence.listeners.mailboxes import Afterwards, NewMailbox, Tls

if TYPE_CHECKING:
    from ringfence.listeners.mailboxes import Mailbox

PASSWORD_VARIABLE: Final = "RINGFENCE_MAILBOX_PASSWORD"
_MOST: Final = 100_000

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The mailbox's name or id.")]


@app.callback()
def mailbox() -> None:
    """Connect the mailboxes whose mails start playbooks, and see what came."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What playbooks call it: `trigger: {type: mailbox, mailbox: NAME}`.")],
    host: Annotated[str, typer.Option(help="The mail server.")],
    user: Annotated[str, typer.Option(help="The user name to sign in with.")],
    port: Annotated[int | None, typer.Option(help="Its port; 993, or 143 with --tls starttls.")] = None,
    tls: Annotated[Tls, typer.Option(help="How the connection is encrypted; it always is.")] = Tls.IMPLICIT,
    password_file: Annotated[
        str | None,
        typer.Option(help=f"File with the password, - for stdin; else {PASSWORD_VARIABLE}, else it is asked for."),
    ] = None,
    ca_file: Annotated[
        str | None, typer.Option(help="Certificates (PEM) to trust, for a mail server with its own authority.")
    ] = None,
    folder: Annotated[str, typer.Option(help="The folder to follow.")] = "INBOX",
    afterwards: Annotated[Afterwards, typer.Option(help="What becomes of a mail once its runs are requested.")] = (
        Afterwards.SEEN
    ),
    move_to: Annotated[str | None, typer.Option(help="The folder for --afterwards move.")] = None,
    json_: Json = False,
) -> None:
    """Connect a mailbox: signs in once, and stores it if that works. Mails that are in it already start nothing."""
    from ringfence.listeners.imap import Connection

    called = invocation(context)
    new = NewMailbox(
        name=name,
        host=host,
        port=port if port is not None else 993 if tls is Tls.IMPLICIT else 143,
        tls=tls,
        username=user,
        password=_password(called, password_file),
        folder=folder,
        afterwards=afterwards,
        move_to=move_to,
        ca=_text(ca_file, "certificates") if ca_file is not None else None,
    )
    mailboxes.check(new)
    with called.opened() as installation:
        organization, vault = called.organization(installation), installation.vault
        connection = Connection(new, new.password)
        connection.close()
        made = installation.database.run_now(
            lambda tx: mailboxes.add(
                tx,
                vault,
                organization.id,
                new,
                uid_validity=connection.uid_validity,
                last_uid=connection.next_uid - 1,
            )
        )
    if json_:
        put({"mailbox": _described(made)})
        return
    say(f"{made.name} is connected. Mails that come from now on start the playbooks that listen to it.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the mailboxes and whether they are followed."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: mailboxes.every(tx, organization.id))
    if json_:
        put({"items": [_described(each) for each in found], "next": None})
        return
    if not found:
        hint("No mailbox is connected yet: `ringfence mailbox add NAME --host HOST --user USER`.")
        return
    columns = [
        Column("name"),
        Column("state"),
        Column("server", optional=True),
        Column("last mail"),
        Column("reason", flexible=True),
    ]
    rows: list[list[Any]] = [
        [
            each.name,
            styled(each.state),
            f"{each.username} at {each.host}:{each.port}",
            age(each.read_at) if each.read_at else "none",
            each.state_reason,
        ]
        for each in found
    ]
    table(columns, rows)


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Disconnect a mailbox and forget its password."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: mailboxes.remove(tx, organization.id, name))
    if json_:
        put({"mailbox": _described(found)})
    else:
        say(f"{found.name} is disconnected. Runs that it started go on.")


@app.command()
def messages(context: typer.Context, name: Name, limit: Limit = 50, json_: Json = False) -> None:
    """List what came to a mailbox, and why it did or did not start each playbook that listens."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: mailboxes.came(tx, mailboxes.by_name(tx, organization.id, name), limit=limit)
        )
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    nobody = "No playbook listened to this mailbox."
    arrivals(
        [Column("came"), Column("from", optional=True), Column("subject", flexible=True)],
        found,
        lambda each: rows([age(each.seen_at), each.sender, each.subject], each.outcomes, nobody=nobody),
    )


def _password(called: Invocation, file: str | None) -> str:
    if file is not None:
        return _text(file, "password").strip("\r\n")
    if found := os.environ.get(PASSWORD_VARIABLE):
        return found
    typed = called.outside.ask_secret("Password of the mailbox")
    if not typed:
        raise Invalid("No password was given.", advice=f"Give --password-file, or set {PASSWORD_VARIABLE}.")
    return typed


def _text(file: str, what: str) -> str:
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_MOST)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(_MOST)
        return raw.decode()
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"The file with the {what} cannot be read: {visible(file)}.", advice="Name another.") from None


def _described(mailbox: "Mailbox") -> dict[str, Any]:
    return {
        **form(mailbox),
        "tls": mailbox.tls.value,
        "afterwards": mailbox.afterwards.value,
        "state": mailbox.state.value,
    }
