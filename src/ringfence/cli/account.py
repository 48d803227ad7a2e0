"""`ringfence account`."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from ringfence.accounts import records
from ringfence.accounts.certificates import Certificate
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.model import USUAL, Account
from ringfence.accounts.proof import Report
from ringfence.accounts.service import Accounts, NotProven
from ringfence.app import App, only_account
from ringfence.cli.account_budget import budget
from ringfence.cli.account_credential import app as second
from ringfence.cli.account_setup import Feature, explain, manifest, permissions, script
from ringfence.cli.account_show import account_document, change, remove, show
from ringfence.cli.credentials import (
    CertificateFile,
    KeyFile,
    PasswordStdin,
    SecretFile,
    credential,
    credential_words,
    print_checks,
)
from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.containment import sensor as sensors
from ringfence.defender import CLOUDS
from ringfence.errors import Invalid

Found = TypeVar("Found")
Name = Annotated[str | None, typer.Argument(help="Which account, if there are several.")]
ExpiresOn = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The day on which the secret expires; a certificate says it itself."),
]

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
    secret_file: SecretFile = None,
    certificate: CertificateFile = None,
    key: KeyFile = None,
    password_stdin: PasswordStdin = False,
    expires_on: ExpiresOn = None,
    login_url: Annotated[str | None, typer.Option(help="Where to sign in instead, for a simulator or a proxy.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Where the API is instead; goes with --login-url.")] = None,
    graph_url: Annotated[
        str | None, typer.Option(help="Where Microsoft Graph is instead; else where the API is.")
    ] = None,
    audience: Annotated[str | None, typer.Option(help="What tokens for a private cloud's API are for.")] = None,
    region: Annotated[
        str | None, typer.Option(help="The region whose API host is nearest: US, EU, UK, Australia, …")
    ] = None,
    feature: Feature = None,
    save_anyway: Annotated[
        bool, typer.Option("--save-anyway", help="Save it as pending if it does not work yet.")
    ] = False,
    json_: Json = False,
) -> None:
    """Test an application of a tenant, and connect it if it works.

    The secret is never an argument, since those end up in the shell's history and in the list of processes.
    """
    called = invocation(context)
    proof = credential(called, secret_file, certificate, key, password_stdin=password_stdin)
    new = NewAccount(
        name=name,
        tenant_id=tenant_id,
        client_id=client_id,
        secret="" if isinstance(proof, Certificate) else proof,
        certificate=proof if isinstance(proof, Certificate) else None,
        cloud=cloud,
        secret_expires_on=expires_on.date() if expires_on else None,
        login_url=login_url,
        api_url=api_url,
        graph_url=graph_url,
        audience=audience,
        region=region,
        features=tuple(feature) if feature is not None else USUAL,
    )
    with called.opened() as installation:
        organization = called.organization(installation)
        try:
            saved, report = asyncio.run(
                _with_accounts(
                    installation, lambda accounts: accounts.add(organization.id, new, save_anyway=save_anyway)
                )
            )
        except NotProven as refused:
            if json_:
                raise
            print_checks(refused.report)
            raise Invalid(
                "The account does not work as it was entered, so it was not saved.",
                advice="Do what is said above and add it again, or keep it as pending for now: --save-anyway.",
            ) from refused
    if json_:
        put({"account": account_document(saved), "checks": report.checks, "warnings": report.warnings})
        return
    print_checks(report)
    for warning in report.warnings:
        say(warning)
    if report.usable:
        say(f"The account {saved.name} is connected.")
    else:
        say(f"The account {saved.name} is saved as pending; it is tested again by itself until it works.")


@app.command()
def renew(
    context: typer.Context,
    name: Name = None,
    secret_file: SecretFile = None,
    certificate: CertificateFile = None,
    key: KeyFile = None,
    password_stdin: PasswordStdin = False,
    expires_on: ExpiresOn = None,
    json_: Json = False,
) -> None:
    """Give a connected account a new secret or certificate: it is proven first, and only then taken in place of the old one."""
    called = invocation(context)
    proof = credential(called, secret_file, certificate, key, password_stdin=password_stdin)
    day = expires_on.date() if expires_on else None
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))

        async def work(accounts: Accounts) -> tuple[Account, Report]:
            return await accounts.renew(organization.id, found.name, proof, expires_on=day)

        try:
            renewed, report = asyncio.run(_with_accounts(installation, work))
        except NotProven as refused:
            if json_:
                raise
            print_checks(refused.report)
            raise Invalid(
                f"The new credential does not work, so {found.name} keeps the old one.",
                advice="Do what is said above and renew it again.",
            ) from refused
    if json_:
        put({"account": account_document(renewed), "checks": report.checks})
        return
    print_checks(report)
    say(
        f"The account {renewed.name} now signs in by {credential_words(renewed)}; the old one can be removed from the tenant."
    )


@app.command()
def disable(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Switch a connected account off: no alert is read and nothing is done through it, not even a release."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
        after = asyncio.run(
            _with_accounts(installation, lambda accounts: accounts.disable(organization.id, found.name))
        )
    if json_:
        put({"account": account_document(after)})
    else:
        say(f"The account {after.name} is switched off; `ringfence account enable {after.name}` switches it on again.")


@app.command()
def enable(context: typer.Context, name: Name = None, json_: Json = False) -> None:
    """Switch an account on again, test it at once, and end with status 1 if it does not work."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
        after, report = asyncio.run(
            _with_accounts(installation, lambda accounts: accounts.enable(organization.id, found.name))
        )
    if json_:
        put({"account": account_document(after), "checks": report.checks})
    else:
        print_checks(report)
        say(f"The account {after.name} is switched on and {'works.' if report.ok else 'does not work.'}")
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def sensor(
    context: typer.Context,
    name: Name = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Though another account contains; what it holds in this tenant is handed over."),
    ] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Say through which account hosts are contained: show it, or choose it by its name. There is one at a time."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        before = installation.database.read_now(lambda tx: records.sensor(tx, organization.id))
        if name is None:
            after = before
        else:
            after = installation.database.run_now(
                lambda tx: sensors.choose(tx, organization.id, name, replace=replace, by=who(by))
            )
    if json_:
        put(
            {
                "sensor": account_document(after) if after else None,
                "replaced": bool(before and after and before.id != after.id),
            }
        )
    elif after is None:
        hint("No account is connected yet: `ringfence account add --help`.")
    else:
        say(f"Hosts of {organization.name} are contained through the account {after.name}.")


@app.command("test")
def prove(
    context: typer.Context,
    name: Name = None,
    json_: Json = False,
) -> None:
    """Test a connected account, record what it shows, and end with status 1 if it does not work."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: only_account(tx, organization.id, name))
        report = asyncio.run(_with_accounts(installation, lambda accounts: accounts.test(organization.id, found.name)))
    if json_:
        put({"account": found.name, "ok": report.ok, "roles": report.roles, "checks": report.checks})
    else:
        print_checks(report)
        ends = "works" if report.ok else "is used, but not all that it is needed for works"
        say(f"The account {found.name} {ends if report.usable else 'does not work'}.")
    if not report.ok:
        raise typer.Exit(1)


app.command()(budget)
app.command()(show)
app.command()(change)
app.command()(remove)
app.command()(permissions)
app.command()(script)
app.command()(manifest)
app.command()(explain)
app.add_typer(second, name="credential")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the connected accounts."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: records.every(tx, organization.id))
    if json_:
        put({"items": [account_document(each) for each in found], "next": None})
        return
    if not found:
        hint("No account is connected yet: `ringfence account add --help`.")
        return
    columns = [
        Column("name"),
        Column("state"),
        Column("cloud", optional=True),
        Column("tenant", optional=True),
        Column("contains"),
        Column("polled"),
        Column("signs in by", optional=True),
        Column("expires", optional=True),
    ]
    table(columns, [_row(each) for each in found])
    for each in found:
        # Sentences that say what to do are not cut to a column's width.
        for wrong in each.troubles:
            say(f"{each.name}: {wrong}")


def _row(account: Account) -> list[Any]:
    expires = account.secret_expires_on.isoformat() if account.secret_expires_on else "-"
    state = styled(account.state)
    return [
        account.name,
        state,
        account.cloud,
        account.tenant_id,
        "yes" if account.sensor else "-",
        age(account.polled_at),
        credential_words(account),
        expires,
    ]


async def _with_accounts(installation: App, work: Callable[[Accounts], Awaitable[Found]]) -> Found:
    clients = installation.clients()
    try:
        return await work(installation.accounts(clients))
    finally:
        await clients.aclose()
