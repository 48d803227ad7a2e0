"""What becomes of an incident and of its hosts: hold them, let them go, close, reopen, merge."""

from enum import StrEnum
from typing import Annotated

import typer

from ringfence.accounts import records
from ringfence.cli.documents import form, put
from ringfence.cli.incident_work import Number
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.terminal import hint, say
from ringfence.containment import incident_hosts
from ringfence.containment.model import Containment
from ringfence.errors import Invalid
from ringfence.incidents import service
from ringfence.incidents.model import Author, Resolution, number_of
from ringfence.playbooks.durations import Duration
from ringfence.storage import Transaction

Reason = Annotated[str, typer.Option(help="Why, in a few words; it is kept.")]


class Ended(StrEnum):
    """How an incident may end."""

    TRUE_POSITIVE = "true-positive"
    BENIGN = "benign"
    FALSE_POSITIVE = "false-positive"
    UNDETERMINED = "undetermined"


def contain(
    context: typer.Context,
    number: Number,
    machine: Annotated[
        str,
        typer.Argument(metavar="MACHINE", help="A machine of the incident by id or name, or another with --account."),
    ],
    reason: Reason,
    account: Annotated[str | None, typer.Option(help="Whose host it is, if it is none of the incident.")] = None,
    auto_release: Annotated[
        str | None, typer.Option(help="Let it go by itself after this time, such as `24 h`.", metavar="DURATION")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Let the incident hold a host cut off; it is released when the last incident that holds it lets go."""
    called = invocation(context)
    free_after = _seconds(auto_release)
    with called.opened() as installation:
        organization = called.organization(installation)

        def work(tx: Transaction) -> Containment:
            return incident_hosts.contain(
                tx,
                organization.id,
                number_of(number),
                machine,
                Author(who(by)),
                reason=reason,
                account_id=records.by_name(tx, organization.id, account).id if account else None,
                auto_release_after=free_after,
                deadline=installation.settings.decision_deadline,
            )

        made = installation.database.run_now(work)
    if json_:
        put(form(made))
        return
    say(f"Asked for: {made.machine_name or made.target} is to be contained, as {made.id}.")
    hint("A running worker (`ringfence serve` or `ringfence worker`) carries it out.")


def release(
    context: typer.Context,
    number: Number,
    reason: Reason,
    machine: Annotated[
        str | None, typer.Argument(metavar="MACHINE", help="One host, by id, name or containment; else all of them.")
    ] = None,
    by: By = None,
    json_: Json = False,
) -> None:
    """Let the incident let go of a host, or of all; those that nobody else holds are released."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        let = installation.database.run_now(
            lambda tx: incident_hosts.let_go(
                tx, organization.id, number_of(number), Author(who(by)), reason=reason, target=machine
            )
        )
    if json_:
        put([form(each) for each in let])
        return
    for each in let:
        name = each.machine_name or each.target
        going = each.release_requested_at is not None or each.final
        say(f"{name} is to be released." if going else f"{name} stays cut off: others hold it.")
    if not let:
        hint("It holds no host.")


def close(
    context: typer.Context,
    number: Number,
    reason: Reason,
    resolution: Annotated[Ended, typer.Option(case_sensitive=False, help="How it ended.")],
    let_go: Annotated[bool, typer.Option("--release", help="Let go of the hosts that it holds.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the hosts that it holds cut off.")] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Resolve an incident; where it holds hosts, say what becomes of them."""
    called = invocation(context)
    if let_go and keep:
        raise Invalid("The hosts are let go or kept, not both.", advice="Give --release or --keep.")
    hosts: incident_hosts.What | None = "release" if let_go else "keep" if keep else None
    with called.opened() as installation:
        organization = called.organization(installation)
        ended = Resolution(resolution.value.replace("-", "_"))
        made = installation.database.run_now(
            lambda tx: incident_hosts.close(
                tx,
                organization.id,
                number_of(number),
                Author(who(by)),
                resolution=ended,
                reason=reason,
                hosts=hosts,
            )
        )
    if json_:
        put(form(made))
    else:
        say(f"{made.name} is resolved: {made.reason}")


def reopen(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Open a resolved incident again."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: service.reopen(tx, organization.id, number_of(number), Author(who(by)), reason=reason)
        )
    if json_:
        put(form(made))
    else:
        say(f"{made.name} is open again.")


def merge(
    context: typer.Context,
    number: Number,
    into: Annotated[str, typer.Option(metavar="NUMBER", help="The incident that takes it over.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Merge an incident into another: alerts, notes, tasks and holds move there, and this one is resolved."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = installation.database.run_now(
            lambda tx: incident_hosts.merge(tx, organization.id, number_of(number), number_of(into), Author(who(by)))
        )
    if json_:
        put(form(made))
    else:
        say(f"Merged into {made.name}: {made.title}")


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return Duration.parse(text).seconds
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--auto-release") from None
