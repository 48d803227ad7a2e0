"""`ringfence user`."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.sign_in import origin_of
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.organizations import invitations, members
from ringfence.organizations.invitations import Invitation
from ringfence.organizations.members import Member
from ringfence.security.rbac import command_line, parse_role
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name by which they sign in.")]
Role = Annotated[
    str,
    typer.Option(help="read_only, analyst, responder, organization_administrator or system_administrator."),
]
Url = Annotated[str | None, typer.Option(help="Where the pages are, if not where the settings say.")]


@app.callback()
def user() -> None:
    """Say who works in an organization as what: invite, change roles, remove."""


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List who works in the organization, and their roles."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found, everywhere = installation.database.read_now(
            lambda tx: (members.every(tx, organization.id), members.administrators(tx))
        )
    if json_:
        put({"items": [form(each) for each in found], "next": None, "system_administrators": everywhere})
        return
    table(
        [Column("name"), Column("role"), Column("since")],
        [[each.name, each.role.label, age(each.since)] for each in found],
    )
    hint(f"System Administrators, in every organization: {', '.join(everywhere) or 'none yet'}.")


@app.command()
def invite(context: typer.Context, name: Name, role: Role, url: Url = None, json_: Json = False) -> None:
    """Let somebody work in the organization; who is new gets an address that signs them in once."""
    called = invocation(context)
    origin = origin_of(called.settings) if url is None else url.rstrip("/")
    with called.opened() as installation:
        organization = called.organization(installation)
        by = command_line(who(None), organization.id)
        found = installation.database.run_now(
            lambda tx: invitations.invite(tx, organization.id, name, parse_role(role), by)
        )
    _tell_invitation(found, origin, as_json=json_)


@app.command()
def link(context: typer.Context, name: Name, url: Url = None, json_: Json = False) -> None:
    """Print a new address that signs a member in once."""
    called = invocation(context)
    origin = origin_of(called.settings) if url is None else url.rstrip("/")
    with called.opened() as installation:
        organization = called.organization(installation)
        by = command_line(who(None), organization.id)

        def work(tx: Transaction) -> Invitation:
            return invitations.renew(tx, organization.id, members.by_name(tx, organization.id, name).user_id, by)

        found = installation.database.run_now(work)
    _tell_invitation(found, origin, as_json=json_)


@app.command()
def role(
    context: typer.Context, name: Name, to: Annotated[str, typer.Argument(help="The new role.")], json_: Json = False
) -> None:
    """Give a member another role; it counts from their next request on."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        by = command_line(who(None), organization.id)

        def work(tx: Transaction) -> Member:
            found = members.by_name(tx, organization.id, name)
            return members.change_role(tx, organization.id, found.user_id, parse_role(to), by)

        found = installation.database.run_now(work)
    _tell(found, f"{found.name} is {found.role.label} in {organization.name}.", as_json=json_)


@app.command()
def remove(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let a member no longer work in the organization; the last administrator stays."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        by = command_line(who(None), organization.id)

        def work(tx: Transaction) -> Member:
            return members.remove(tx, organization.id, members.by_name(tx, organization.id, name).user_id, by)

        found = installation.database.run_now(work)
    _tell(found, f"{found.name} works no longer in {organization.name}.", as_json=json_)


def _tell_invitation(found: Invitation, origin: str, *, as_json: bool) -> None:
    address = f"{origin}/sign-in/link?{urlencode({'token': found.token})}" if found.token is not None else None
    if as_json:
        put({"user": form(found.member), "url": address})
    elif address is None:
        say(f"{found.member.name} is known already, and signs in as ever.")
    else:
        say(address)
        hint(f"It signs {found.member.name} in once, within 3 days. Give it to them alone.")


def _tell(found: Member, sentence: str, *, as_json: bool) -> None:
    if as_json:
        put({"user": form(found)})
    else:
        say(sentence)
