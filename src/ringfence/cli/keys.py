"""`ringfence keys`: the keys that seal secrets."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Invocation, Json, invocation
from ringfence.cli.terminal import Column, heading, hint, say, styled, table
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.security import key_report, masters, rotation
from ringfence.security.key_report import Keys, MasterState
from ringfence.security.rotation import Progress

app = typer.Typer(no_args_is_help=True)


class What(StrEnum):
    """What is rotated."""

    MASTER = "master"
    ORGANIZATION = "organization"


@app.callback()
def keys() -> None:
    """See, rotate, check and retire the keys that seal secrets."""


@app.command()
def show(context: typer.Context, json_: Json = False) -> None:
    """Show which keys there are, what depends on each, and how much of a rotation is left; never a key itself."""
    called = invocation(context)
    with called.opened() as installation:
        vault = installation.vault
        found = installation.database.read_now(lambda tx: key_report.show(tx, vault))
    if json_:
        put(form(found))
        return
    say(f"The master key comes from {found.source}.")
    heading("Master keys")
    rows = [[each.id, _state(each, found), str(each.keys), str(each.secrets)] for each in found.masters]
    table([Column("key"), Column("state"), Column("wraps", right=True), Column("derived secrets", right=True)], rows)
    heading("Keys of organizations")
    lines = [
        [each.id, each.organization, "seals" if each.active else "old", str(each.secrets), ", ".join(each.masters)]
        for each in found.keys
    ]
    columns = [Column("key"), Column("organization", flexible=True), Column("state"), Column("secrets", right=True)]
    table([*columns, Column("wrapped under")], lines)
    if not lines:
        hint("The first secret that an organization keeps makes its key.")
    if found.to_wrap:
        hint(f"{found.to_wrap} keys are not wrapped under the newest master key yet: `ringfence keys rotate master`.")
    if found.to_seal:
        hint(f"{found.to_seal} secrets are sealed by an older key: `ringfence keys rotate`, or a worker's next start.")


@app.command()
def rotate(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="The master key, or the key of the organization that is meant.")],
    json_: Json = False,
) -> None:
    """Change a key while everything runs; a rotation that was broken off goes on. Then `ringfence keys retire` the old one."""
    called = invocation(context)
    with called.opened() as installation:
        database, vault = installation.database, installation.vault
        if what is What.MASTER:
            steps = rotation.rotate_master(database, vault)
        else:
            steps = rotation.rotate_organization(database, vault, called.organization(installation).id)
        _carry(steps, quiet=json_)
        found = database.read_now(lambda tx: key_report.show(tx, vault))
    if json_:
        put(form(found))
        return
    say(f"Done. The newest master key is {vault.masters.newest}." if what is What.MASTER else "Done: it has a new key.")
    for name in _retirable(found):
        hint(f"Nothing needs {name} any more: `ringfence keys retire {name}`.")


@app.command()
def retire(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="A key as `ringfence keys show` names it.")],
    json_: Json = False,
) -> None:
    """Delete a key that nothing needs any more; refused while a secret or another key does."""
    called = invocation(context)
    with called.opened() as installation:
        vault = installation.vault
        rotation.retire(installation.database, vault, key)
        left = key in vault.masters.ids
    if json_:
        put({"retired": key, "remove_from_source": left})
        return
    say(f"The key {key} is retired.")
    if left:
        hint(f"Take it out of {vault.masters.source.words}, and start every process anew.")


@app.command()
def check(context: typer.Context, json_: Json = False) -> None:
    """Open every secret with the keys at hand and say which cannot be opened; status 1 if any. Good after a restore."""
    called = invocation(context)
    with called.opened() as installation:
        vault = installation.vault
        found = installation.database.read_now(lambda tx: key_report.check(tx, vault))
    if json_:
        put({"sound": not found.unreadable, **form(found)})
    elif not found.unreadable:
        say(styled("ok").append(f": all {found.secrets} secrets open."))
    else:
        say(styled("FAILED").append(f": {len(found.unreadable)} of {found.secrets} secrets cannot be opened."))
        for each in found.unreadable:
            say(f"  {each.where} {each.row_id}: {each.why} {each.advice}")
    if found.unreadable:
        raise typer.Exit(1)


@app.command()
def generate(json_: Json = False) -> None:
    """Print a new master key, for an environment variable or a key service."""
    made = masters.generate()
    if json_:
        put({"key": made})
    else:
        typer.echo(made)


@app.command()
def shred(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask the first time.")] = False,
    name: Annotated[
        str | None,
        typer.Option("--confirm", metavar="NAME", help="The organization's name, instead of the second question."),
    ] = None,
    json_: Json = False,
) -> None:
    """Delete every key of an organization: its secrets can never be read again, not even from a later backup. Asks twice."""
    called = invocation(context)
    if called.organization_name is None:
        raise Invalid("Say which organization is meant.", advice="ringfence --organization NAME keys shred")
    with called.opened() as installation:
        organization = installation.database.read_now(
            lambda tx: organizations.by_name(tx, str(called.organization_name))
        )
        if name is not None and name != organization.name:
            raise Invalid(f"{name!r} is not the name of the organization that is meant.", advice="Nothing was deleted.")
        first = f"Every secret of {organization.name} becomes unreadable for ever: accounts, channels, webhooks. Go on?"
        second = f"There is no way back. Really shred the keys of {organization.name}?"
        if not ((yes or _agreed(called, first)) and (name is not None or _agreed(called, second))):
            raise Invalid(
                "Nothing was deleted.",
                advice=f"Where nobody can be asked: keys shred --yes --confirm {organization.name}",
            )
        lost = rotation.shred(installation.database, installation.vault, organization.id)
    if json_:
        put({"organization": organization.name, "secrets": lost})
        return
    say(f"The keys of {organization.name} are gone, and with them {lost} secrets.")
    hint("Backups made before still hold the keys: delete them, or the master key that unwraps them.")


def _agreed(called: Invocation, question: str) -> bool:
    return called.outside.confirm(question) is True


def _carry(steps: Iterator[Progress], *, quiet: bool) -> None:
    for step in steps:
        if not quiet:
            hint(f"{step.done} of {step.all}")


def _state(master: MasterState, found: Keys) -> str:
    if master.newest:
        return "wraps"
    if not master.at_hand:
        return "missing"
    return "retire it" if master.id in _retirable(found) else "old"


def _retirable(found: Keys) -> list[str]:
    """Return the names of the keys that nothing needs."""
    at_hand = {each.id for each in found.masters if each.at_hand}
    old = [
        each.id
        for each in found.masters
        if not each.newest
        and each.at_hand
        and not each.secrets
        and all(set(key.masters) & (at_hand - {each.id}) for key in found.keys if each.id in key.masters)
    ]
    return old + [each.id for each in found.keys if not each.active and not each.secrets]
