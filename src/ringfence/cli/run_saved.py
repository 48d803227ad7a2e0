"""`ringfence run saved` and `ringfence run rate`."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.runs import saved as time


def saved(
    context: typer.Context,
    days: Annotated[float | None, typer.Option(min=0.01, max=36_500, help="Of so many days; without it, ever.")] = None,
    json_: Json = False,
) -> None:
    """Add up what playbooks spared people: `minutes_saved` of each run that succeeded, and what that is worth."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: time.summed(tx, organization.id, since=time.lately(days)))
    if json_:
        put(form(found) | {"hours": found.hours, "worth": found.worth})
        return
    if not found.shares:
        hint("Nothing was counted. Write `minutes_saved: 15` in a playbook: its runs that succeed then count.")
        return
    columns = [Column("playbook", flexible=True), Column("runs", right=True), Column("minutes", right=True)]
    table(columns, [[each.playbook, str(each.runs), f"{each.minutes:.1f}"] for each in found.shares])
    worth = f", worth {found.worth:,.2f} {found.rate.currency}" if found.rate and found.worth is not None else ""
    say(f"{found.hours:.1f} hours{worth}; runs that succeeded and count: {found.runs}.")


def rate(
    context: typer.Context,
    amount: Annotated[float, typer.Argument(help="What an hour of people's work costs; 0 forgets it.")],
    currency: Annotated[str, typer.Argument(help="Its currency, e.g. EUR.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Say what an hour of people's work costs the organization, so that time saved is shown as money."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: time.set_rate(tx, organization.id, amount, currency, by=who(by))
        )
    if json_:
        put(form(made))
    else:
        say(f"An hour costs {made.rate:g} {made.currency}." if made.rate else "No rate is known any more.")
