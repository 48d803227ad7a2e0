"""`ringfence sign-in`: what people sign in by, from the server."""

from typing import Annotated

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.terminal import say
from ringfence.organizations import members
from ringfence.security import passwords, second_factor, sessions, sign_in_rules, throttle
from ringfence.security.passwords import Passwords
from ringfence.security.sign_in_rules import Demand
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name by which the person signs in.")]


@app.callback()
def sign_in() -> None:
    """Set passwords, reset authenticator apps, unlock names, demand second factors."""


@app.command()
def password(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Give a person a new password, which is asked for (or read from stdin), and sign them out everywhere."""
    called = invocation(context)
    given = called.outside.ask_secret(f"New password of {name}")
    if given is None:
        given = typer.get_text_stream("stdin").readline().rstrip("\r\n")
    settings = called.settings
    made = Passwords(shortest=settings.password_length, breached=settings.breached_passwords).hash(given, (name,))
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> int:
            user_id = members.by_name(tx, organization.id, name).user_id
            passwords.store(tx, user_id, made)
            throttle.free(tx, name)
            return sessions.revoke_all(tx, user_id)

        ended = installation.database.run_now(work)
    if json_:
        put({"user": name, "ended": ended})
    else:
        say(f"{name} has a new password.")


@app.command("reset-app")
def reset_app(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Take the authenticator app and the recovery codes of a person away, and sign them out everywhere."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> bool:
            user_id = members.by_name(tx, organization.id, name).user_id
            sessions.revoke_all(tx, user_id)
            return second_factor.remove(tx, user_id)

        had = installation.database.run_now(work)
    if json_:
        put({"user": name, "removed": had})
    else:
        say(f"{name} {'signs in without a code' if had else 'had no app'}; where one is demanded, it is set up anew.")


@app.command()
def unlock(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let a person sign in again at once whose name is locked after too many failures."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> bool:
            return throttle.free(tx, members.by_name(tx, organization.id, name).name)

        locked = installation.database.run_now(work)
    if json_:
        put({"user": name, "was_locked": locked})
    else:
        say(f"{name} can sign in{'' if locked else '; nothing kept them from it'}.")


@app.command()
def demand(
    context: typer.Context,
    who_: Annotated[
        str | None,
        typer.Argument(metavar="WHO", help="nobody, administrators, responders or everybody; without it, it is shown."),
    ] = None,
    json_: Json = False,
) -> None:
    """Show or say who of an organization needs an authenticator app. Who lacks it is signed out, and sets it up."""
    called = invocation(context)
    installed = Demand(called.settings.second_factor)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> Demand:
            if who_ is None:
                return sign_in_rules.demand_of(tx, organization.id)
            changed = sign_in_rules.change(tx, organization.id, who_)
            sign_in_rules.sign_out_who_lack_it(tx, organization.id, installed)
            return changed

        own = installation.database.run_now(work)
    counts = sign_in_rules.stricter(own, installed)
    if json_:
        put(
            {
                "organization": organization.name,
                "own": own.value,
                "installation": installed.value,
                "counts": counts.value,
            }
        )
    else:
        say(f"An authenticator app is demanded of {counts}.")
