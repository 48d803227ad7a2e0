"""`ringfence account credential`: a second credential beside the one in use."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from ringfence.accounts import certificates, credentials
from ringfence.accounts.credentials import Beside
from ringfence.accounts.model import Account
from ringfence.accounts.proof import Report
from ringfence.accounts.service import Accounts, NotProven
from ringfence.app import App, only_account
from ringfence.cli.account_show import account_document
from ringfence.cli.credentials import (
    CertificateFile,
    KeyFile,
    PasswordStdin,
    SecretFile,
    credential,
    credential_words,
    print_checks,
)
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import hint, say
from ringfence.errors import Invalid

Found = TypeVar("Found")
Name = Annotated[str | None, typer.Argument(help="Which account, if there are several.")]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def beside() -> None:
    """Put a second credential beside the one in use, prove it, switch to it, and remove the old one."""


def _with(
    context: typer.Context, name: str | None, work: Callable[[Accounts, Account], Awaitable[Found]]
) -> tuple[Account, Found, Beside | None]:
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        account = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))

        async def go(opened: App) -> Found:
            async with opened.connecting() as accounts:
                return await work(accounts, account)

        done = asyncio.run(go(installation))
        found = installation.database.read_now(lambda tx: credentials.beside(tx, account.id))
    return account, done, found


@app.command()
def show(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Show the credential beside the one in use."""

    async def nothing(accounts: Accounts, account: Account) -> None:
        return None

    account, _, found = _with(context, name, nothing)
    if json_:
        put({"account": account.name, "second_credential": form(found) if found is not None else None})
    elif found is None:
        hint(f"{account.name} has one credential only; add a second one: `ringfence account credential add`.")
    else:
        say(
            f"{account.name} signs in by {credential_words(account)}; "
            f"beside that lies a {credential_words(found.of(account))}: {found.stage}."
        )
        if found.reason:
            say(found.reason)


@app.command()
def add(
    context: typer.Context,
    name: Name = None,
    secret_file: SecretFile = None,
    certificate: CertificateFile = None,
    key: KeyFile = None,
    password_stdin: PasswordStdin = False,
    generate: Annotated[
        bool,
        typer.Option("--generate", help="Make a certificate here; its key stays here, its public part is printed."),
    ] = False,
    expires_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which the secret expires.")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Put a new secret or certificate beside the one in use; nothing uses it before it was proven and switched to."""
    called = invocation(context)
    if generate and (secret_file or certificate):
        raise Invalid("Both a new certificate and another credential were asked for.", advice="Leave one out.")
    given = None if generate else credential(called, secret_file, certificate, key, password_stdin=password_stdin)

    async def work(accounts: Accounts, account: Account) -> str:
        what = certificates.generate(account.name) if given is None else given
        day = expires_on.date() if expires_on else None
        await accounts.offer(account.organization_id, account.name, what, by=who(by), expires_on=day)
        return await accounts.public_part(account.organization_id, account.name) if given is None else ""

    account, public, found = _with(context, name, work)
    if json_:
        put({"account": account.name, "second_credential": form(found), "public_part": public or None})
        return
    if public:
        typer.echo(public, nl=False)
        hint("Upload this to the app registration (Certificates & secrets ▸ Certificates), then switch to it.")
    else:
        say(f"A second credential lies beside the one that {account.name} uses; `ringfence account credential switch`.")


@app.command()
def prove(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Test the credential beside the one in use, and end with status 1 if it does not work."""
    account, report, found = _with(
        context, name, lambda accounts, account: accounts.prove_beside(account.organization_id, account.name)
    )
    if json_:
        put({"account": account.name, "ok": report.ok, "checks": report.checks, "second_credential": form(found)})
    else:
        print_checks(report)
        say(f"The second credential of {account.name} {'works.' if report.usable else 'does not work.'}")
    if not report.usable:
        raise typer.Exit(1)


@app.command()
def switch(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Test the credential beside the one in use, and change places with it; the old one stays beside it."""

    async def work(accounts: Accounts, account: Account) -> tuple[Account, Report]:
        return await accounts.switch(account.organization_id, account.name)

    try:
        _, (account, report), found = _with(context, name, work)
    except NotProven as refused:
        if json_:
            raise
        print_checks(refused.report)
        raise Invalid(
            "The second credential does not work, so the one in use stays.",
            advice="Do what is said above, then switch.",
        ) from refused
    if json_:
        put({"account": account_document(account), "checks": report.checks, "second_credential": form(found)})
        return
    print_checks(report)
    say(f"The account {account.name} now signs in by {credential_words(account)}; the old one lies beside it.")


@app.command()
def remove(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Remove the credential beside the one in use."""
    account, _, _ = _with(
        context, name, lambda accounts, account: accounts.withdraw(account.organization_id, account.name)
    )
    if json_:
        put({"account": account.name, "second_credential": None})
    else:
        say(f"The account {account.name} has one credential again; remove the other one in Entra too.")


@app.command()
def certificate(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Print the public part of the account's certificate: of the one beside, if there is one, else of the one in use."""
    account, public, _ = _with(
        context, name, lambda accounts, account: accounts.public_part(account.organization_id, account.name)
    )
    if json_:
        put({"account": account.name, "public_part": public})
    else:
        typer.echo(public, nl=False)
