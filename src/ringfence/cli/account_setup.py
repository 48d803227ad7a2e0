"""`ringfence account permissions`, `script`, `manifest` and `explain`: how to register the application, and what sign-ins say."""

from typing import Annotated, Any

import typer

from ringfence.accounts.entering import blank
from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import API_NAMES, FEATURES, Need, needs
from ringfence.accounts.registration import manifest as manifest_of
from ringfence.accounts.registration import script as script_of
from ringfence.accounts.registration import unverified
from ringfence.cli.documents import put
from ringfence.cli.invocation import Invocation, Json, invocation
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.defender import CLOUDS, MEANINGS
from ringfence.defender import cloud as cloud_of
from ringfence.errors import NotFound
from ringfence.playbooks import needs as playbooks

Feature = Annotated[
    list[str] | None,
    typer.Option(help=f"What the account is for, once for each: {', '.join(FEATURES)}; else {', '.join(USUAL)}."),
]
Cloud = Annotated[str, typer.Option(help=f"Which Microsoft cloud the tenant is in: {', '.join(CLOUDS)}.")]
Called = Annotated[str, typer.Option(help="What the account, and the application in Entra, are called.")]


def permissions(
    context: typer.Context, feature: Feature = None, name: Called = "Ringfence", json_: Json = False
) -> None:
    """List the application permissions that features, and the organization's playbooks, need, and what for."""
    needed = _needed(invocation(context), feature, name)
    if json_:
        put({"items": [described(need) for need in needed], "next": None})
        return
    table(
        [Column("permission"), Column("API"), Column("lets Ringfence"), Column("needed by", optional=True)],
        [[need.role, API_NAMES[need.api], need.purpose, need.reason] for need in needed],
    )


def script(
    context: typer.Context,
    feature: Feature = None,
    name: Called = "Ringfence",
    cloud: Cloud = "commercial",
    certificate: Annotated[
        str, typer.Option(help="File with the public part of a certificate to upload, instead of a new secret.")
    ] = "",
    json_: Json = False,
) -> None:
    """Print a bash script that registers the application with the Azure CLI: read it, then run it."""
    _known(cloud)
    text = script_of(cloud, name, _needed(invocation(context), feature, name), certificate=certificate)
    if json_:
        put({"script": text})
    else:
        typer.echo(text, nl=False)


def manifest(
    context: typer.Context,
    feature: Feature = None,
    name: Called = "Ringfence",
    cloud: Cloud = "commercial",
    json_: Json = False,
) -> None:
    """Print the part of the application's manifest that asks for the permissions."""
    _known(cloud)
    text = manifest_of(_needed(invocation(context), feature, name))
    if json_:
        put({"manifest": text, "unverified": unverified(cloud)})
        return
    typer.echo(text, nl=False)
    for sentence in unverified(cloud):
        hint(f"Not verified for {cloud_of(cloud).title}: {sentence}")


def explain(
    number: Annotated[str, typer.Argument(help="The number of a refused sign-in: AADSTS7000215, or 7000215.")],
    json_: Json = False,
) -> None:
    """Say what a refused sign-in means by its AADSTS number, and what to do."""
    digits = number.strip().upper().removeprefix("AADSTS")
    known = MEANINGS.get(int(digits)) if digits.isdecimal() and len(digits) < 12 else None
    if known is None:
        raise NotFound(
            f"Nothing is known of {number[:40]!r}.", advice="Look it up at https://login.microsoftonline.com/error."
        )
    if json_:
        said = {"number": known.number, "meaning": known.meaning, "advice": known.advice}
        put({**said, "source": known.source, "lookup": known.lookup})
        return
    say(f"AADSTS{known.number}: {known.meaning}")
    say(known.advice)
    say(f"Source: {known.source}. Microsoft's words of today: {known.lookup}")


def described(need: Need) -> dict[str, Any]:
    """Return a needed permission as JSON."""
    return {
        "api": need.api.value,
        "permission": need.role,
        "purpose": need.purpose,
        "features": need.features,
        "playbooks": need.playbooks,
        "refused": need.refused,
        "essential": need.essential,
    }


def _known(cloud: str) -> None:
    cloud_of(cloud)


def _needed(called: Invocation, feature: list[str] | None, name: str) -> tuple[Need, ...]:
    with called.opened() as installation:
        draft = blank(called.organization(installation).id, name)
        wishes = installation.database.read_now(lambda tx: playbooks.of_account(tx, installation.catalogue, draft))
    return needs(feature if feature is not None else USUAL, wishes)
