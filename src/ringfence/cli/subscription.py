"""`ringfence subscription`: webhooks out."""

from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, Limit, invocation, who
from ringfence.cli.keeping import USUAL, Keep, kept
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.subscriptions import records
from ringfence.subscriptions.model import NOUNS, State, Subscription, demand_address

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The subscription's name or id.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", help="What is told: noun.kind or noun.*; may be given several times; else everything."),
]


@app.callback()
def subscription() -> None:
    """Tell other systems what changes, by signed messages (webhooks out), and see what was sent."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    address: Annotated[str, typer.Argument(help="Where messages are posted, by https.")],
    event: Events = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Subscribe a system and print the secret that signs its messages, which is never shown again."""
    called = invocation(context)
    with called.opened() as installation:
        organization, sender = called.organization(installation), installation.sender
        checked = demand_address(address, sender.allowed)
        made, secret = installation.database.run_now(
            lambda tx: records.add(tx, sender.vault, organization.id, name, checked, event or (), by=who(by))
        )
    if json_:
        put({"subscription": _described(made), "secret": secret})
        return
    say(f"{made.name} is told of {', '.join(made.events) or 'everything'} at {made.address}")
    say(f"Secret: {secret}")
    hint("The secret is shown only now. Messages are signed with it as Standard Webhooks says.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the subscriptions and how their messages go."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.every(tx, organization.id))
    if json_:
        put({"items": [_described(each) for each in found], "next": None})
        return
    if not found:
        hint("There is no subscription yet: `ringfence subscription add NAME ADDRESS`.")
        return
    columns = [Column("name"), Column("state"), Column("address", flexible=True), Column("waiting", right=True)]
    rows: list[list[Any]] = [
        [each.name, styled(each.state), each.address, str(each.waiting), _last(each), each.detail] for each in found
    ]
    table([*columns, Column("last taken"), Column("detail", flexible=True)], rows)


@app.command()
def change(
    context: typer.Context,
    name: Name,
    address: Annotated[str | None, typer.Option(help="Where messages are posted from now on.")] = None,
    event: Events = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Change where, or of what, a system is told."""
    _change(context, name, by, json_, address=address, events=event)


@app.command()
def pause(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Send nothing for a while; what happens meanwhile is not told afterwards."""
    _change(context, name, by, json_, state=State.PAUSED)


@app.command()
def resume(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Send again, also where the subscription was disabled; what waits is sent."""
    _change(context, name, by, json_, state=State.ON)


@app.command()
def rotate(
    context: typer.Context,
    name: Name,
    keep: Keep = USUAL,
    by: By = None,
    json_: Json = False,
) -> None:
    """Give a subscription a new secret, shown only now; the old one signs too for a while."""
    span = kept(keep)
    called = invocation(context)
    with called.opened() as installation:
        organization, vault = called.organization(installation), installation.vault
        found, secret, until = installation.database.run_now(
            lambda tx: records.rotate(tx, vault, organization.id, name, keep=span, by=who(by))
        )
    if json_:
        put({"subscription": _described(found), "secret": secret, "old_secrets_end_at": until})
        return
    say(f"Secret: {secret}")
    hint(f"The secret of {found.name} is shown only now.")


@app.command()
def remove(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Remove a subscription; what waits is not sent any more."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: records.remove(tx, organization.id, name, by=who(by)))
    if json_:
        put({"subscription": _described(found)})
    else:
        say(f"{found.name} is removed.")


@app.command("test")
def try_(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Send a message that says it is a test; the worker sends it, and `messages` shows what came of it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(lambda tx: records.try_out(tx, organization.id, name))
    if json_:
        put(form(made))
    else:
        say(f"Message {made.id} is on its way.")
        hint(f"What came of it: `ringfence subscription messages {name}`.")


@app.command()
def messages(context: typer.Context, name: Name, limit: Limit = 50, json_: Json = False) -> None:
    """List what was sent to a subscription, and what came of it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: records.sent(tx, records.by_name(tx, organization.id, name), limit=limit)
        )
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    if not found:
        hint("Nothing was to be told yet.")
        return
    columns = [Column("id"), Column("made"), Column("event"), Column("state"), Column("attempts", right=True)]
    rows: list[list[Any]] = [
        [
            each.id,
            age(each.created_at),
            each.kind,
            styled(each.state),
            str(each.attempts),
            each.log[-1].error if each.log else "",
        ]
        for each in found
    ]
    table([*columns, Column("said", flexible=True)], rows)


@app.command()
def redeliver(
    context: typer.Context,
    name: Name,
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE", help="The id of the message.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Send a message once more, with the id that it had."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: records.again(tx, organization.id, name, message_id, by=who(by))
        )
    if json_:
        put(form(made))
    else:
        say(f"Message {made.id} is on its way again.")


@app.command()
def events(json_: Json = False) -> None:
    """List what can be subscribed to."""
    if json_:
        put({"items": [{"noun": noun, "about": about} for noun, (about, _) in NOUNS.items()], "next": None})
        return
    rows: list[list[Any]] = [[f"{noun}.*", about] for noun, (about, _) in NOUNS.items()]
    table([Column("events"), Column("about", flexible=True)], rows)


def _change(
    context: typer.Context,
    name: str,
    by: str | None,
    json_: bool,
    *,
    address: str | None = None,
    events: list[str] | None = None,
    state: State | None = None,
) -> None:
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        checked = None if address is None else demand_address(address, installation.sender.allowed)
        found = installation.database.run_now(
            lambda tx: records.change(
                tx, organization.id, name, by=who(by), address=checked, events=events or None, state=state
            )
        )
    if json_:
        put({"subscription": _described(found)})
    else:
        say(f"{found.name} is {found.state}, and told of {', '.join(found.events) or 'everything'} at {found.address}")


def _last(found: Subscription) -> str:
    return age(found.delivered_at) if found.delivered_at else "never"


def _described(found: Subscription) -> dict[str, Any]:
    return {**form(found), "state": found.state.value}
