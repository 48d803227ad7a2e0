"""`ringfence sign-in-link`."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from ringfence.app import listening_at
from ringfence.cli.documents import put
from ringfence.cli.invocation import Json, invocation, who
from ringfence.cli.moments import length
from ringfence.cli.terminal import hint, say
from ringfence.errors import Invalid
from ringfence.organizations import members
from ringfence.security import links
from ringfence.security.rbac import Role, parse_role
from ringfence.settings import Settings
from ringfence.storage import Transaction


def sign_in_link(
    context: typer.Context,
    user: Annotated[
        str | None,
        typer.Option(help="Who is signed in, made if missing; else the name that you are logged in with."),
    ] = None,
    role: Annotated[
        str, typer.Option(help="What who is made becomes; the first person of all is System Administrator.")
    ] = Role.READ_ONLY.value,
    url: Annotated[str | None, typer.Option(help="Where the pages are, if not where the settings say.")] = None,
    json_: Json = False,
) -> None:
    """Print an address that signs a person in to the pages once.

    It holds for 15 minutes. Only the address goes to stdout.
    """
    called = invocation(context)
    origin = origin_of(called.settings) if url is None else url.rstrip("/")
    with called.opened() as app:
        organization = called.organization(app)
        name = who(user)

        def work(tx: Transaction) -> str:
            given = members.first_or(tx, parse_role(role))
            return links.create(tx, members.ensure(tx, organization.id, name, given))

        address = f"{origin}/sign-in/link?{urlencode({'token': app.database.run_now(work)})}"
    if json_:
        put({"url": address, "user": name, "organization": organization.name, "seconds": links.LIFETIME})
        return
    say(address)
    hint(f"It signs {name} in once, within {length(links.LIFETIME)}.")


def origin_of(settings: Settings) -> str:
    """Return where people reach the pages: as is said, else where a server listens; Invalid where neither is known."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    listening = listening_at(settings)
    if listening is not None:
        return listening
    if settings.port == 0:
        raise Invalid(
            "The settings name no port: the server takes a free one.",
            advice="Give the address that it printed: --url http://127.0.0.1:PORT.",
        )
    return reachable(settings.host, settings.port, tls=settings.tls_certificate is not None)


def reachable(host: str, port: int, *, tls: bool = False) -> str:
    """Return the origin under which a browser on this machine reaches what listens there."""
    # Who listens on all addresses is reached on this machine by its own.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
