"""`ringfence account`."""

import asyncio
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.accounts.proof import Check, Report
from ringfence.accounts.service import NewAccount, NotProven
from ringfence.app import App, only_account
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Invocation, Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.defender import CLOUDS
from ringfence.errors import Invalid

SECRET_VARIABLE: Final = "RINGFENCE_ACCOUNT_SECRET"
_MOST_SECRET: Final = 10_000

app = typer.Typer(no_args_is_help=True)


@app.callback()
def account() -> None:
    """Connect Defender tenants and test the connection."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="What playbooks and people call the account.")],
    tenant_id: Annotated[str, typer.Option(help="The tenant: its id, or a domain of it.")],
    client_id: Annotated[str, typer.Option(help="The application (client) id of the app registration.")],
    cloud: Annotated[str, typer.Option(help=f"Which Microsoft cloud the tenant is in: {', '.join(CLOUDS)}.")] = (
        "commercial"
    ),
    secret_file: Annotated[
        str | None,
        typer.Option(help=f"File with the client secret, - for stdin; else {SECRET_VARIABLE}, else it is asked for."),
    ] = None,
    expires_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which the secret expires.")
    ] = None,
    login_url: Annotated[str | None, typer.Option(help="Where to sign in instead, for a simulator or a proxy.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Where the API is instead; goes with --login-url.")] = None,
    save_anyway: Annotated[
        bool, typer.Option("--save-anyway", help="Save it as failing if it does not work yet.")
    ] = False,
    json_: Json = False,
) -> None:
    """Test an application of a tenant, and connect it if it works.

    The secret is never an argument, since those end up in the shell's history and in the list of processes.
    """
    called = invocation(context)
    new = NewAccount(
        name=name,
        tenant_id=tenant_id,
        client_id=client_id,
        secret=_secret(called, secret_file),
        cloud=cloud,
        secret_expires_on=expires_on.date() if expires_on else None,
        login_url=login_url,
        api_url=api_url,
    )
    with called.opened() as installation:
        organization = called.organization(installation)
        try:
            saved, report = asyncio.run(_add(installation, organization.id, new, save_anyway=save_anyway))
        except NotProven as refused:
            if json_:
                raise
            _print_checks(refused.report)
            raise Invalid(
                "The account does not work as it was entered, so it was not saved.",
                advice="Do what is said above and add it again, or keep it as failing for now: --save-anyway.",
            ) from refused
    if json_:
        put({"account": described(saved), "checks": report.checks})
        return
    _print_checks(report)
    if report.ok:
        say(f"The account {saved.name} is connected.")
    else:
        say(f"The account {saved.name} is saved as failing; it is proven again by itself every few minutes.")


@app.command("test")
def prove(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which account, if there are several.")] = None,
    json_: Json = False,
) -> None:
    """Test a connected account, record what it shows, and end with status 1 if it does not work."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
        report = asyncio.run(_test(installation, organization.id, found.name))
    if json_:
        put({"account": found.name, "ok": report.ok, "roles": report.roles, "checks": report.checks})
    else:
        _print_checks(report)
        say(f"The account {found.name} {'works.' if report.ok else 'does not work.'}")
    if not report.ok:
        raise typer.Exit(1)


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the connected accounts."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.every(tx, organization.id))
    if json_:
        put({"items": [described(each) for each in found], "next": None})
        return
    if not found:
        hint("No account is connected yet: `ringfence account add --help`.")
        return
    columns = [
        Column("name"),
        Column("state"),
        Column("cloud", optional=True),
        Column("tenant", optional=True),
        Column("polled"),
        Column("secret expires", optional=True),
    ]
    table(columns, [_row(each) for each in found])
    for each in found:
        # Sentences that say what to do are not cut to a column's width.
        for wrong in (each.state_reason, each.poll_error):
            if wrong:
                say(f"{each.name}: {wrong}")


def described(account: Account) -> dict[str, Any]:
    """Return an account as JSON, without its secret, which is not even shown sealed."""
    document: dict[str, Any] = form(account)
    assert "secret_sealed" not in document
    return document


def _row(account: Account) -> list[Any]:
    expires = account.secret_expires_on.isoformat() if account.secret_expires_on else "-"
    state = styled(account.state)
    return [account.name, state, account.cloud, account.tenant_id, age(account.polled_at), expires]


def _print_checks(report: Report) -> None:
    for check in report.checks:
        say(_line(check))
        if not check.ok and check.advice:
            say(f"        {check.advice}")


def _line(check: Check) -> Any:
    return styled("ok" if check.ok else "FAILED").append(
        f"{'':{6 if check.ok else 2}}{visible(check.sentence)}", "none"
    )


async def _add(
    installation: App, organization_id: str, new: NewAccount, *, save_anyway: bool
) -> tuple[Account, Report]:
    clients = installation.clients()
    try:
        return await installation.accounts(clients).add(organization_id, new, save_anyway=save_anyway)
    finally:
        await clients.aclose()


async def _test(installation: App, organization_id: str, name: str) -> Report:
    clients = installation.clients()
    try:
        return await installation.accounts(clients).test(organization_id, name)
    finally:
        await clients.aclose()


def _secret(called: Invocation, file: str | None) -> str:
    if file == "-":
        return sys.stdin.read(_MOST_SECRET).strip()
    if file is not None:
        try:
            with Path(file).open(encoding="utf-8") as opened:
                return opened.read(_MOST_SECRET).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(
                f"The secret cannot be read from {file}: {getattr(error, 'strerror', None) or 'it is not text'}.",
                advice="Name a file that holds the client secret's value and nothing else.",
            ) from error
    from_environment = os.environ.get(SECRET_VARIABLE)
    if from_environment is not None:
        return from_environment
    asked = called.outside.ask_secret("Client secret (its value, not its id; it is not shown)")
    if asked is None:
        raise Invalid(
            "There is no client secret, and nobody to ask for it.",
            advice=f"Give --secret-file FILE, --secret-file - for stdin, or set {SECRET_VARIABLE}.",
        )
    return asked
