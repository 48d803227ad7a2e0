"""`ringfence channel` and `ringfence notification`."""

import asyncio
import ipaddress
from typing import Annotated, Any

import typer

from ringfence.cli.channel_change import ADDRESS_VARIABLE, PASSWORD_VARIABLE, change, secret
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, Limit, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.notification_rules import preview, rule, rules, take, unrule
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.notifications import channels, outbox
from ringfence.notifications.delivery import try_out
from ringfence.notifications.events import KINDS, Event
from ringfence.notifications.sending import Security
from ringfence.notifications.shapes import new_channel
from ringfence.security.egress import open_to

app = typer.Typer(no_args_is_help=True)
notifications = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The channel's name or id.")]


@app.callback()
def channel() -> None:
    """Say where people are told of what happens: mail, chat and other services."""


@notifications.callback()
def notification() -> None:
    """See what people were told, and what is on its way."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    to: Annotated[list[str] | None, typer.Option(help="Mail address to write to; may be given again.")] = None,
    host: Annotated[str, typer.Option(help="The mail server; without it, the address of a service is asked for.")] = "",
    port: Annotated[int | None, typer.Option(help="Its port; by default that of --security.")] = None,
    security: Annotated[Security, typer.Option(help="How the connection to it is protected.")] = Security.STARTTLS,
    sender: Annotated[str, typer.Option(help="The address that mails come from; else the first of --to.")] = "",
    user: Annotated[str, typer.Option(help=f"User at the mail server; its password is in {PASSWORD_VARIABLE}.")] = "",
    person: Annotated[
        str, typer.Option(help="Who alone reads it: links in its messages answer in this person's name.")
    ] = "",
    event: Annotated[list[str] | None, typer.Option(help="An event to tell of; may be given again; else all.")] = None,
    pause: Annotated[
        float, typer.Option(min=0, help="Seconds between two messages; what comes meanwhile goes into one.")
    ] = channels.PAUSE,
    quiet: Annotated[
        str, typer.Option(help="Hours in which only what is urgent is sent: `22:00-06:00 Europe/Berlin`.")
    ] = "",
    by_rules: Annotated[
        bool, typer.Option("--by-rules", help="Only what a rule sends there: `ringfence notification rule`.")
    ] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Make a channel. The address of a service is asked for, or taken from RINGFENCE_CHANNEL_ADDRESS; it is sealed."""
    called = invocation(context)
    address = ""
    if not host:
        address = secret(called, ADDRESS_VARIABLE, "Address of the service")
    password = secret(called, PASSWORD_VARIABLE, "Password") if user else ""
    new = new_channel(
        name,
        address=address,
        to=to or (),
        host=host,
        port=port,
        security=security,
        sender=sender,
        user=user,
        password=password,
        person=person,
        events=event or (),
        pause=pause,
        quiet=quiet,
        by_rules=by_rules,
    )
    with called.opened() as installation:
        organization, allowed = called.organization(installation), installation.sender.allowed
        made = installation.database.run_now(
            lambda tx: channels.add(tx, installation.vault, organization.id, new, by=who(by))
        )
    if json_:
        put({"channel": form(made)})
        return
    say(f"{made.name} leads to {made.shown}.")
    hint(f"Try it: `ringfence channel test {made.name}`.")
    # A name may lead anywhere, and the test tells; an address that the server will refuse is better said at once.
    if _is_address(host) and not open_to(host, allowed):
        hint(f"As it is, nothing is sent to {host}: let who runs the server name it in RINGFENCE_EGRESS_PRIVATE.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the channels, where they lead to, and whether they work."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: channels.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    if not found:
        hint("Nobody is told of anything yet: `ringfence channel add NAME`.")
        return
    columns = [
        Column("name"),
        Column("leads to", flexible=True),
        Column("person", optional=True),
        Column("state"),
        Column("last message"),
        Column("problem", flexible=True),
    ]
    rows: list[list[Any]] = [
        [
            each.name,
            each.shown,
            each.person or "-",
            styled("failed" if each.failures else "ok"),
            age(each.delivered_at) if each.delivered_at else "none",
            each.error,
        ]
        for each in found
    ]
    table(columns, rows)


app.command()(change)


@app.command("test")
def try_(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Send a test message, now."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = asyncio.run(try_out(installation.database, installation.sender, organization.id, name))
    if json_:
        put({"sent": True, "channel": found.name})
    else:
        say(f"Sent to {found.shown}.")


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Remove a channel, its address, and what was on its way to it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: channels.remove(tx, organization.id, name))
    if json_:
        put({"channel": form(found)})
    else:
        say(f"{found.name} is removed.")


@app.command()
def events(json_: Json = False) -> None:
    """List the events that people can be told of."""
    if json_:
        put(
            {
                "items": [
                    {"event": each.value, "about": KINDS[each].about, "urgent": KINDS[each].urgent} for each in Event
                ]
            }
        )
        return
    table([Column("event"), Column("about", flexible=True)], [[each.value, KINDS[each].about] for each in Event])


@notifications.command("list")
def told(context: typer.Context, limit: Limit = 50, json_: Json = False) -> None:
    """List what people were told and what is on its way, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: outbox.listed(tx, organization.id, limit=limit))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    if not found:
        hint("Nothing was told yet.")
        return
    columns = [
        Column("when"),
        Column("state"),
        Column("goes", flexible=True),
        Column("channel"),
        Column("event", optional=True),
        Column("what", flexible=True),
        Column("problem", flexible=True, optional=True),
    ]
    rows: list[list[Any]] = [
        [age(each.created_at), styled(each.state), _goes(each), each.channel, each.event, each.title, each.said]
        for each in found
    ]
    table(columns, rows)


def _goes(entry: outbox.Entry) -> str:
    if entry.next_at is None:
        return "-"
    return f"{age(entry.next_at)}: {entry.waits_for.about}" if entry.waits_for else "now"


for each in (rules, rule, unrule, preview, take):
    notifications.command()(each)
