"""`ringfence policy freeze|unfreeze|brakes|release-brake`: what stops containing, by hand and by itself."""

from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.moments import age
from ringfence.cli.policy_layers import described
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.containment import brakes, policies
from ringfence.containment.policies import Scope
from ringfence.playbooks.durations import Duration

Reason = Annotated[str, typer.Option(help="Why, in a few words; it is kept.")]
Everywhere = Annotated[bool, typer.Option("--all", help="For every organization of this installation.")]


def stop_form(stop: policies.Stop) -> dict[str, Any]:
    """Return a kill switch that is on as JSON."""
    return {"scope": stop.scope.name, "by": stop.by, "at": stop.at, "note": stop.note}


def freeze(
    context: typer.Context,
    reason: Reason,
    everywhere: Everywhere = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Turn the kill switch on: from this moment nothing new is contained; releases go on."""
    _switch(invocation(context), on=True, everywhere=everywhere, by=who(by), reason=reason, as_json=json_)


def unfreeze(
    context: typer.Context,
    reason: Reason,
    everywhere: Everywhere = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Turn the kill switch off again."""
    _switch(invocation(context), on=False, everywhere=everywhere, by=who(by), reason=reason, as_json=json_)


def _switch(called: Invocation, *, on: bool, everywhere: bool, by: str, reason: str, as_json: bool) -> None:
    with called.opened() as installation:
        organization = called.organization(installation)
        where = policies.PROVIDER if everywhere else Scope(organization.id)
        after = installation.database.run_now(lambda tx: policies.freeze(tx, where, on=on, by=by, reason=reason))
        stopped = installation.database.read_now(lambda tx: policies.stops(tx, organization.id))
    if as_json:
        put(described(after) | {"stops": [stop_form(each) for each in stopped]})
        return
    whose = "every organization" if everywhere else organization.name
    say(f"The kill switch is {'on' if on else 'off'} for {whose} (version {after.version}).")
    if on:
        say("Nothing new is contained. Releases go on.")
    for each in stopped if not on else ():
        hint(f"Containing is still stopped by the kill switch of {each.scope.name}: {each.note}")


def brakes_(context: typer.Context, json_: Json = False) -> None:
    """List the times that a limit was reached, the newest first, and how many containments or responses it refused."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found, lifted = installation.database.read_now(
            lambda tx: (brakes.listed(tx, organization.id), brakes.lifted(tx, organization.id))
        )
    if json_:
        put({"items": [form(each) | {"holds": each.holds} for each in found], "lifted": lifted, "next": None})
        return
    if lifted is not None:
        say(lifted.sentence)
    if not found:
        hint("No limit was ever reached.")
        return
    columns = [
        Column("limit"),
        Column("of", optional=True),
        Column("since"),
        Column("holds"),
        Column("refused", right=True),
        Column("detail", flexible=True, optional=True),
    ]
    rows = [
        [each.limit, each.subject, age(each.tripped_at), "yes" if each.holds else "no", str(each.refused), each.detail]
        for each in found
    ]
    table(columns, rows)


def release_brake(
    context: typer.Context,
    reason: Reason,
    for_: Annotated[
        str, typer.Option("--for", help="For how long the limits do not count.", metavar="DURATION")
    ] = "1 h",
    more: Annotated[
        int | None, typer.Option(help="So many more containments and responses at most; without it any number.", min=1)
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Let containments and responses go on in spite of the limits, for a while; all else of policy still counts."""
    called = invocation(context)
    try:
        seconds = Duration.parse(for_).seconds
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    name = who(by)
    with called.opened() as installation:
        organization = called.organization(installation)
        lifted = installation.database.run_now(
            lambda tx: brakes.lift(tx, organization.id, seconds=seconds, by=name, reason=reason, more=more)
        )
    if json_:
        put(lifted)
    else:
        say(lifted.sentence)
