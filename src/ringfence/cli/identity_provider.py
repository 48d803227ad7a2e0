"""`ringfence identity-provider`."""

import asyncio
from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation, who
from ringfence.cli.sign_in import origin_of
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.organizations import identities
from ringfence.security import providers
from ringfence.security.egress import networks
from ringfence.security.oidc import ProviderFailed, RelyingParty
from ringfence.security.providers import NewProvider, Provider
from ringfence.security.rbac import command_line, parse_role
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[
    str, typer.Argument(help="Small letters, digits and hyphens; it is part of the address that people come back to.")
]


@app.callback()
def identity_provider() -> None:
    """Let people sign in at Entra, Okta, Keycloak and others, by OpenID Connect."""


@app.command("set")
def set_(
    context: typer.Context,
    name: Name,
    issuer: Annotated[str, typer.Option(help="As it calls itself: https://login.microsoftonline.com/TENANT/v2.0.")],
    client_id: Annotated[str, typer.Option(help="The id that it gave us.")],
    public: Annotated[bool, typer.Option("--public", help="There is no secret: PKCE alone protects.")] = False,
    keep_secret: Annotated[bool, typer.Option("--keep-secret", help="Leave the secret as it is.")] = False,
    label: Annotated[str, typer.Option(help="What people read on the button.")] = "",
    scopes: Annotated[str, typer.Option(help="What is asked for.")] = "openid profile email",
    groups_claim: Annotated[str, typer.Option(help="Where it says a person's groups.")] = "groups",
    name_claim: Annotated[str, typer.Option(help="What people are called by.")] = "preferred_username",
    domain: Annotated[list[str] | None, typer.Option(help="Whose name ends with @DOMAIN is led there.")] = None,
    button: Annotated[bool, typer.Option("--button", help="Show it to everybody on the sign-in page.")] = False,
    group: Annotated[
        list[str] | None,
        typer.Option(help="GROUP=ROLE, or GROUP=ORGANIZATION/ROLE: who is in the group has the role there."),
    ] = None,
    default_role: Annotated[
        str | None, typer.Option(help="The role of everybody else from there; without it they are not let in.")
    ] = None,
    json_: Json = False,
) -> None:
    """Add a provider, or change it; its secret is asked for, or read from stdin."""
    called = invocation(context)
    secret = None
    if not public and not keep_secret:
        secret = called.outside.ask_secret(f"Client secret of {name}")
        if secret is None:
            secret = typer.get_text_stream("stdin").readline().strip()
    with called.opened() as installation:
        organization = called.organization(installation)
        actor = command_line(who(None), organization.id)

        def work(tx: Transaction) -> Provider:
            new = NewProvider(
                name=name,
                issuer=issuer,
                client_id=client_id,
                secret=secret,
                label=label,
                scopes=scopes,
                groups_claim=groups_claim,
                name_claim=name_claim,
                domains=tuple(each.casefold() for each in domain or ()),
                button=button,
                mapping=tuple(identities.rule(tx, each, organization.id) for each in group or ()),
                default_role=parse_role(default_role) if default_role is not None else None,
            )
            return providers.put(tx, installation.vault, actor, new)

        made = installation.database.run_now(work)
    if json_:
        put({"provider": form(made)})
        return
    say(f"{made.name} is set. Prove it: `ringfence identity-provider test {made.name}`.")
    if called.settings.public_url or called.settings.port:
        hint(f"Register there as redirect URI: {origin_of(called.settings)}/sign-in/provider/{made.name}/callback")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the providers of an organization, without their secrets."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: providers.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
    elif not found:
        hint("There is none: `ringfence identity-provider set NAME --issuer … --client-id …`.")
    else:
        columns = [
            Column("name"),
            Column("state"),
            Column("issuer", flexible=True),
            Column("domains"),
            Column("groups"),
        ]
        rows = [
            [
                each.name,
                "on" if each.enabled else "off",
                each.issuer,
                ", ".join(each.domains) or "-",
                str(len(each.mapping)),
            ]
            for each in found
        ]
        table(
            [*columns, Column("last error", optional=True)],
            [[*row, each.error] for row, each in zip(rows, found, strict=True)],
        )


@app.command("test")
def check(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Ask a provider what it says of itself, and for its keys."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: providers.by_name(tx, name, organization_id=organization.id))

        party = RelyingParty(networks(called.settings.identity_private))
        try:
            tested = asyncio.run(party.test(found.issuer))
        except ProviderFailed as problem:
            why = problem
            installation.database.run_now(lambda tx: providers.note(tx, found.id, why))
            raise
        installation.database.run_now(lambda tx: providers.note(tx, found.id, None))
    if json_:
        put({"provider": name, "issuer": found.issuer, "keys": tested.keys, "signs_out": tested.signs_out})
    else:
        say(f"{found.issuer} answers, and signs with {tested.keys} key{'' if tested.keys == 1 else 's'}.")


@app.command()
def enable(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let people sign in at a provider again."""
    _switch(context, name, on=True, json_=json_)


@app.command()
def disable(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let nobody sign in at a provider; who is signed in stays so until the session ends."""
    _switch(context, name, on=False, json_=json_)


def _switch(context: typer.Context, name: str, *, on: bool, json_: bool) -> None:
    called = invocation(context)
    with called.opened() as installation:
        actor = command_line(who(None), called.organization(installation).id)
        found = installation.database.run_now(lambda tx: providers.switch(tx, actor, name, on=on))
    if json_:
        put({"provider": form(found)})
    else:
        say(f"{found.name} is switched {'on' if on else 'off'}.")


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Remove a provider. Who came by it keeps the account, and can be given a link."""
    called = invocation(context)
    with called.opened() as installation:
        actor = command_line(who(None), called.organization(installation).id)
        found = installation.database.run_now(lambda tx: providers.remove(tx, actor, name))
    if json_:
        put({"provider": form(found)})
    else:
        say(f"{found.name} is removed.")
