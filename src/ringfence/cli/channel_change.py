"""`ringfence channel change`."""

import os
from typing import Annotated, Final

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.terminal import hint, say
from ringfence.errors import Invalid
from ringfence.notifications import channels, editing
from ringfence.notifications.editing import Wanted
from ringfence.notifications.sending import Security
from ringfence.storage import Transaction

ADDRESS_VARIABLE: Final = "RINGFENCE_CHANNEL_ADDRESS"
PASSWORD_VARIABLE: Final = "RINGFENCE_CHANNEL_PASSWORD"


def secret(called: Invocation, variable: str, what: str) -> str:
    """Return what the environment holds, or what is typed when it is asked for; empty if there is neither."""
    return os.environ.get(variable) or called.outside.ask_secret(what) or ""


def change(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The channel's name or id.")],
    rename: Annotated[str | None, typer.Option(help="Its new name; rules that name it follow.")] = None,
    new_address: Annotated[
        bool,
        typer.Option("--new-address", help=f"Another address of a service: asked for, or from {ADDRESS_VARIABLE}."),
    ] = False,
    to: Annotated[list[str] | None, typer.Option(help="Mail address to write to; may be given again.")] = None,
    host: Annotated[str | None, typer.Option(help="The mail server.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port; 0 for that of --security.")] = None,
    security: Annotated[Security | None, typer.Option(help="How the connection to it is protected.")] = None,
    sender: Annotated[
        str | None, typer.Option(help="The address that mails come from; empty for the first of --to.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="User at the mail server; empty for none.")] = None,
    new_password: Annotated[
        bool,
        typer.Option("--new-password", help=f"Another password of the user: asked for, or from {PASSWORD_VARIABLE}."),
    ] = False,
    person: Annotated[str | None, typer.Option(help="Who alone reads it; empty where several do.")] = None,
    event: Annotated[
        list[str] | None, typer.Option(help="An event to tell of; may be given again. `all` for every one.")
    ] = None,
    pause: Annotated[float | None, typer.Option(min=0, help="Seconds between two messages.")] = None,
    quiet: Annotated[str | None, typer.Option(help="`22:00-06:00 Europe/Berlin`; empty for no quiet hours.")] = None,
    by_rules: Annotated[
        bool | None, typer.Option("--by-rules/--by-its-list", help="Only what a rule sends there, or its own list too.")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Change a channel; what is not named stays, what waits for it too, and one that failed is tried again at once."""
    called = invocation(context)
    # What is in the environment counts where it was asked for only: it may be of another channel.
    address = secret(called, ADDRESS_VARIABLE, "Address of the service") if new_address else None
    password = secret(called, PASSWORD_VARIABLE, "Password") if new_password else None
    if (new_address and not address) or (new_password and not password):
        raise Invalid("Nothing was given to change it to.", advice="Type it, or put it into the environment.")
    wanted = Wanted(
        name=rename,
        address=address,
        to=to,
        host=host,
        port=port,
        security=security,
        sender=sender,
        user=user,
        password=password,
        person=person,
        events=[] if event == ["all"] else event,
        pause=pause,
        quiet=quiet,
        by_rules=by_rules,
    )
    if wanted.nothing:
        raise Invalid("Nothing was said that could be changed.", advice="See `ringfence channel change --help`.")
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> tuple[channels.Channel, channels.Channel]:
            before = channels.by_name(tx, organization.id, name)
            return before, editing.change(tx, installation.vault, organization.id, before.id, wanted, by=who(by))

        before, made = installation.database.run_now(work)
    if json_:
        put({"channel": form(made)})
        return
    say(f"{made.name} is as it was." if made == before else f"{made.name} is changed; it leads to {made.shown}.")
    hint(f"Try it: `ringfence channel test {made.name}`.")
