"""`ringfence policy`: what may be contained, where each line of that comes from, and what stops it."""

import asyncio
from enum import StrEnum
from typing import Annotated, Any

import typer

from ringfence.cli import policy_layers, policy_stops
from ringfence.cli.documents import put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age, exact
from ringfence.cli.policy_layers import described
from ringfence.cli.policy_stops import stop_form
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.containment import brakes, policies, written
from ringfence.containment.explaining import Explanation
from ringfence.containment.policies import Version
from ringfence.containment.verdict import Outcome

app = typer.Typer(no_args_is_help=True)


class Asker(StrEnum):
    """Who would ask."""

    PLAYBOOK = "playbook"
    PERSON = "person"


@app.callback()
def policy() -> None:
    """See, change and explain what may be contained, and stop it."""


@app.command()
def show(
    context: typer.Context,
    group: Annotated[str | None, typer.Option(help="The policy of the hosts of this device group.")] = None,
    layer: Annotated[
        str | None, typer.Option("--scope", help="One layer alone, as YAML: `provider`, `organization`, `group:NAME`.")
    ] = None,
    json_: Json = False,
) -> None:
    """Show the policy that counts, each line with where it comes from; or one layer of it."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        if layer is not None:
            where = policies.scope(layer, organization.id)
            found = installation.database.read_now(lambda tx: policies.newest(tx, where))
            _show_layer(found, as_json=json_)
            return
        stands, stopped, holding, lifted, groups = installation.database.read_now(
            lambda tx: (
                policies.standing(tx, organization.id, group),
                policies.stops(tx, organization.id),
                brakes.holding(tx, organization.id),
                brakes.lifted(tx, organization.id),
                policies.groups(tx, organization.id),
            )
        )
    effective = stands.effective
    if json_:
        lines = [{"field": each.field, "value": each.value, "origins": each.origins} for each in effective.lines]
        put(
            {
                "version": stands.version,
                "group": group,
                "lines": lines,
                "overruled": effective.overruled,
                "stops": [stop_form(each) for each in stopped],
                "brakes": holding,
                "lifted": lifted,
                "groups": groups,
            }
        )
        return
    facts([("policy", stands.version), ("device group", group or "")])
    for each in stopped:
        say(
            styled("stopped").append(f" by {visible(each.by)} {age(each.at)} ({each.scope.name}). {visible(each.note)}")
        )
    for tripped in holding:
        told = f" since {exact(tripped.tripped_at)}: {visible(tripped.detail)} It refused {tripped.refused}."
        say(styled("brake").append(told))
    if lifted is not None:
        say(lifted.sentence)
    columns = [Column("field"), Column("value", flexible=True), Column("comes from", optional=True)]
    table(columns, [[each.field, written.shown(each.value), ", ".join(each.origins)] for each in effective.lines])
    for sentence in effective.overruled:
        say(f"In vain: {sentence}")
    if groups and group is None:
        hint(f"Device groups with a policy of their own: {', '.join(groups)} (--group).")


def _show_layer(found: Version, *, as_json: bool) -> None:
    if as_json:
        put(described(found))
        return
    hint(f"{found.scope.name}, version {found.version}" + (f", by {found.made_by}" if found.version else ""))
    typer.echo(written.write(found.document) or "# This layer says nothing.\n", nl=False)


@app.command()
def explain(
    context: typer.Context,
    machine: Annotated[str, typer.Argument(help="Defender's machine id, the whole DNS name, or an IP address.")],
    account: Annotated[str | None, typer.Option(help="Which account's host, if there are several.")] = None,
    asker: Annotated[
        Asker, typer.Option("--as", help="Who would ask: a person is not asked again.", case_sensitive=False)
    ] = Asker.PLAYBOOK,
    playbook: Annotated[str | None, typer.Option(help="Which playbook would ask, for the limits of each.")] = None,
    alert: Annotated[str | None, typer.Option(help="About which alert: our id, or Defender's.")] = None,
    json_: Json = False,
) -> None:
    """Say whether a host would be contained now, with every reason and fact, and who would be asked; changes nothing."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = asyncio.run(
            installation.explain(
                organization_id=organization.id,
                target=machine,
                account=account,
                by_person=asker is Asker.PERSON,
                playbook=playbook,
                alert=alert,
            )
        )
    if json_:
        put(found)
        return
    facts(
        [
            ("host", found.machine_name or found.target),
            ("machine id", found.machine_id or "not known for certain"),
            ("device group", found.device_group or ""),
            ("verdict", styled(found.outcome)),
            ("policy", found.policy_version),
            ("held by", found.held_by or ""),
        ]
    )
    heading("Why")
    for each in (*found.reasons, *found.overruled):
        say(f"  {each}")
    for each in found.candidates:
        say(f"  Candidate: {each}")
    if found.outcome is Outcome.ASK:
        say(f"  {asked(found)}")
    if found.facts:
        heading("Facts")
        facts((f"  {name}", _fact(value)) for name, value in found.facts.items())


def asked(found: Explanation) -> str:
    """Say who would be asked."""
    people = ", ".join(found.approvers) or "everybody who may contain"
    many = "one yes is enough" if found.needed == 1 else f"{found.needed} different people must say yes"
    return f"Asked would be {people}; {many}."


def _fact(value: Any) -> str:
    if value is None:
        return "not known"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)


app.command("set")(policy_layers.set_)
app.command()(policy_layers.edit)
app.command()(policy_layers.diff)
app.command()(policy_layers.history)
app.command()(policy_stops.freeze)
app.command()(policy_stops.unfreeze)
app.command("brakes")(policy_stops.brakes_)
app.command("release-brake")(policy_stops.release_brake)
