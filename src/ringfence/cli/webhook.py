"""`ringfence webhook`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.arrivals import arrivals, rows
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, Limit, invocation, who
from ringfence.cli.keeping import USUAL, Keep, kept
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, heading, hint, say, styled, table
from ringfence.listeners import refusals, webhooks

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.listeners.webhooks import Webhook
    from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The webhook's name or id.")]


@app.callback()
def webhook() -> None:
    """Make the addresses at which signed messages start playbooks, and see what came."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What playbooks call it: `trigger: {type: webhook, hook: NAME}`.")],
    answer_within: Annotated[
        float,
        typer.Option(min=0, max=60, help="Seconds for which a sender waits for `webhook.respond`; 0: not at all."),
    ] = 0.0,
    by: By = None,
    json_: Json = False,
) -> None:
    """Make a webhook and print its address and its secret, which is never shown again."""
    called = invocation(context)
    with called.opened() as installation:
        organization, vault = called.organization(installation), installation.vault
        made, secret = installation.database.run_now(
            lambda tx: webhooks.add(tx, vault, organization.id, name, who(by), answer_within=answer_within)
        )
        address = _address(installation, made)
    if json_:
        put({"webhook": _described(made, address), "secret": secret})
        return
    say(f"{made.name} takes messages at {address}")
    say(f"Secret: {secret}")
    hint("The secret is shown only now. Sign messages with it as Standard Webhooks says.")


@app.command()
def change(
    context: typer.Context,
    name: Name,
    answer_within: Annotated[
        float,
        typer.Option(min=0, max=60, help="Seconds for which a sender waits for `webhook.respond`; 0: not at all."),
    ],
    json_: Json = False,
) -> None:
    """Say how long senders wait for the answer of a playbook."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(
            lambda tx: webhooks.wait_for_answers(tx, organization.id, name, answer_within)
        )
        address = _address(installation, found)
    if json_:
        put({"webhook": _described(found, address)})
    else:
        say(f"Senders to {found.name} wait for {answer_within:g} s.")


@app.command()
def disable(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Switch a webhook off: its address refuses every message, and what it accepted before stays."""
    _switch(context, name, json_, enabled=False)


@app.command()
def enable(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Switch a webhook on again."""
    _switch(context, name, json_, enabled=True)


def _switch(context: typer.Context, name: str, json_: bool, *, enabled: bool) -> None:
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: webhooks.switch(tx, organization.id, name, enabled=enabled))
        address = _address(installation, found)
    if json_:
        put({"webhook": _described(found, address)})
    elif enabled:
        say(f"{found.name} takes messages at {address}")
    else:
        say(f"{found.name} is off: every message is refused. Runs that it started go on.")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the webhooks."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: webhooks.every(tx, organization.id))
        addresses = {each.id: _address(installation, each) for each in found}
    if json_:
        put({"items": [_described(each, addresses[each.id]) for each in found], "next": None})
        return
    if not found:
        hint("There is no webhook yet: `ringfence webhook add NAME`.")
        return
    columns = [Column("name"), Column("state"), Column("address", flexible=True), Column("secrets", right=True)]
    rows: list[list[Any]] = [
        [
            each.name,
            styled("on" if each.enabled else "off"),
            addresses[each.id],
            str(each.secrets),
            age(each.last_received_at) if each.last_received_at else "none",
        ]
        for each in found
    ]
    table([*columns, Column("last message")], rows)


@app.command()
def rotate(
    context: typer.Context,
    name: Name,
    keep: Keep = USUAL,
    json_: Json = False,
) -> None:
    """Give a webhook a new secret, shown only now; the old one stays valid for a while."""
    span = kept(keep)
    called = invocation(context)
    with called.opened() as installation:
        organization, vault = called.organization(installation), installation.vault
        found, secret, until = installation.database.run_now(
            lambda tx: webhooks.rotate(tx, vault, organization.id, name, keep=span)
        )
        address = _address(installation, found)
    if json_:
        put({"webhook": _described(found, address), "secret": secret, "old_secrets_end_at": until})
        return
    say(f"Secret: {secret}")
    ends = f"stay valid for {keep}" if span else "are no longer valid"
    hint(f"The secret of {found.name} is shown only now. The ones before it {ends}.")


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Remove a webhook: its address takes nothing more."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: webhooks.remove(tx, organization.id, name))
        address = _address(installation, found)
    if json_:
        put({"webhook": _described(found, address)})
    else:
        say(f"{found.name} is removed. Runs that it started go on.")


@app.command()
def deliveries(context: typer.Context, name: Name, limit: Limit = 50, json_: Json = False) -> None:
    """List what came to a webhook, and why it did or did not start each playbook that listens."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: webhooks.deliveries(tx, webhooks.by_name(tx, organization.id, name), limit=limit)
        )
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    nobody = "No playbook listened to this webhook."
    arrivals(
        [Column("came"), Column("message", optional=True)],
        found,
        lambda each: rows([age(each.received_at), each.message_id], each.outcomes, nobody=nobody),
    )


@app.command("refusals")
def refused(context: typer.Context, name: Name, limit: Limit = 20, json_: Json = False) -> None:
    """Say what a webhook refused in the last 30 days, and why; nothing of what was in the messages is kept."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: "Transaction") -> tuple[list[refusals.RefusedOnDay], list[refusals.Refusal]]:
            found = webhooks.by_name(tx, organization.id, name)
            return refusals.by_day(tx, found.id), refusals.newest(tx, found.id, limit=limit)

        days, newest = installation.database.read_now(look)
    if json_:
        put({"items": [{**form(each), "said": each.said} for each in newest], "days": form(days), "next": None})
        return
    if not days:
        hint("Nothing was refused.")
        return
    columns = [Column("day"), Column("reason"), Column("refused", right=True), Column("only counted", right=True)]
    table(columns, [[each.day, each.reason.value, str(each.refused), str(each.dropped)] for each in days])
    heading("The newest")
    rows: list[list[Any]] = [
        [age(each.at), each.address, "" if each.size is None else str(each.size), each.said] for each in newest
    ]
    table([Column("refused"), Column("from"), Column("bytes", right=True), Column("why", flexible=True)], rows)


def _address(installation: "App", webhook: "Webhook") -> str:
    return f"{installation.origin}{webhook.path}"


def _described(webhook: "Webhook", address: str) -> dict[str, Any]:
    return {**form(webhook), "address": address}
