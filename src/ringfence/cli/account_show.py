"""`ringfence account show`, `change` and `remove`."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.accounts.permissions import API_NAMES, FEATURES
from ringfence.accounts.picture import Picture, picture
from ringfence.app import App, only_account
from ringfence.cli.account_setup import described as need_of
from ringfence.cli.credentials import credential_words
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, say, styled, table
from ringfence.cli.visible import visible
from ringfence.playbooks import needs

Name = Annotated[str | None, typer.Argument(help="Which account, if there are several.")]


def show(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Show one account: its state, what it needs and has, who uses it, its credentials, and what became of it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
        wishes = needs.asking(lambda: installation.catalogue)
        seen = installation.database.read_now(lambda tx: picture(tx, found.id, wishes, organization_id=organization.id))
    if json_:
        put(document(seen))
        return
    account = seen.account
    say(styled(account.state).append(f"  {visible(account.name)}, since {age(account.state_since)}", "none"))
    if account.state_reason:
        say(account.state_reason)
    say(
        f"It signs in by {credential_words(account)}; checked {age(account.checked_at)}, proven {age(account.proven_at)}."
    )
    if seen.beside is not None:
        say(f"Beside it lies a second credential: {seen.beside.stage}. {seen.beside.reason}".rstrip())
    rows: list[list[Any]] = []
    for state, group in (
        ("missing", seen.standing.missing),
        ("unknown", seen.standing.unknown),
        ("granted", seen.standing.granted),
    ):
        rows += [[need.role, API_NAMES[need.api], state, need.reason] for need in group]
    rows += [[role, API_NAMES[api], "superfluous", "-"] for api, role in seen.standing.superfluous]
    table([Column("permission"), Column("API", optional=True), Column("state"), Column("needed by")], rows)
    for each in seen.services:
        say(f"Trigger service {each.name}: {each.state}")
    for wish in seen.playbooks:
        say(f"Playbook {wish.name}: {', '.join(wish.roles) or 'no permission of its own'}")
    for entry in seen.history[:10]:
        say(
            f"{age(entry.at)}: {entry.event.partition(':')[2].replace('_', ' ')} by {entry.actor}. {entry.reason}".rstrip()
        )


def change(
    context: typer.Context,
    name: Name = None,
    rename: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(help=f"What it is for from now on, once for each: {', '.join(FEATURES)}."),
    ] = None,
    expires_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which its secret expires.")
    ] = None,
    json_: Json = False,
) -> None:
    """Change an account's name, what it is for, or when its secret expires; it is checked again at once."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))

        async def work(app: App) -> Account:
            async with app.connecting() as accounts:
                day = expires_on.date() if expires_on else None
                return await accounts.change(
                    organization.id, found.name, rename=rename, features=feature, expires_on=day
                )

        after = asyncio.run(work(installation))
    if json_:
        put({"account": account_document(after)})
    else:
        say(f"The account {after.name} is for: {', '.join(FEATURES[each].title for each in after.features)}.")
        if after.secret_expires_on and not after.certificate_thumbprint:
            say(f"Its secret expires on {after.secret_expires_on}.")


def remove(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Remove an account that was never proven to work; any other is switched off instead."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
        installation.database.run_now(lambda tx: records.remove(tx, found))
    if json_:
        put({"removed": found.name})
    else:
        say(f"The account {found.name} is removed.")


def account_document(account: Account) -> dict[str, Any]:
    """Return an account as JSON, without its secret, which is not even shown sealed."""
    shown: dict[str, Any] = form(account)
    assert "secret_sealed" not in shown
    return shown


def document(seen: Picture) -> dict[str, Any]:
    """Return the picture of an account as JSON."""
    standing = seen.standing
    return {
        "account": account_document(seen.account),
        "second_credential": form(seen.beside) if seen.beside is not None else None,
        "permissions": {
            "granted": [need_of(need) for need in standing.granted],
            "missing": [need_of(need) for need in standing.missing],
            "unknown": [need_of(need) for need in standing.unknown],
            "superfluous": [{"api": api.value, "permission": role} for api, role in standing.superfluous],
        },
        "services": [{"id": each.id, "name": each.name, "state": each.state} for each in seen.services],
        "playbooks": [
            {"id": each.playbook_id, "name": each.name, "permissions": each.roles} for each in seen.playbooks
        ],
        "history": [form(each) for each in seen.history],
    }
