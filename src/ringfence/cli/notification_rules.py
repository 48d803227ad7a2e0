"""The commands of `ringfence notification` about rules: who is told of what, and what a rule would have sent."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Json, invocation, who
from ringfence.cli.moments import age, length
from ringfence.cli.terminal import Column, hint, say, table
from ringfence.clock import iso
from ringfence.errors import NotFound
from ringfence.notifications import outbox, routing, rulebook, shapes
from ringfence.notifications.routing import Rule
from ringfence.storage import Transaction

Name = Annotated[str, typer.Argument(help="The rule's name or id.")]
Recipients = Annotated[
    list[str] | None,
    typer.Option(help="Whom: a channel, person:NAME, team:NAME or a mail address; may be given again."),
]
Events = Annotated[list[str] | None, typer.Option("--event", help="Only this event; may be given again; else all.")]
Severity = Annotated[str, typer.Option(help="The least severity of the alert: Informational, Low, Medium or High.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", help="Only hosts of this device group; may be given again.")
]
Quiet = Annotated[str, typer.Option(help="Hours in which only what is urgent is sent: `22:00-06:00 Europe/Berlin`.")]
After = Annotated[str, typer.Option(help="Call others where nobody has taken it over after so long: `15 min`.")]


def rules(context: typer.Context, json_: Json = False) -> None:
    """List the rules of who is told of what; the channels' own lists count beside them."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: rulebook.every(tx, organization.id))
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    if not found:
        hint(
            "There is no rule: each channel is told what it lists. Make one: `ringfence notification rule NAME --to …`."
        )
        return
    columns = [Column("name"), Column("on"), Column("what", flexible=True), Column("to", flexible=True)]
    table(
        [*columns, Column("quiet", optional=True), Column("escalates", flexible=True)], [_row(each) for each in found]
    )


def rule(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called; a rule of that name is changed as a whole.")],
    to: Recipients = None,
    event: Events = None,
    severity: Severity = "",
    group: Groups = None,
    quiet: Quiet = "",
    escalate_after: After = "",
    escalate_to: Recipients = None,
    off: Annotated[bool, typer.Option("--off", help="Keep it, switched off.")] = False,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Keep nothing; say what it would have sent in 7 days.")
    ] = False,
    by: By = None,
    json_: Json = False,
) -> None:
    """Make a rule, or change the one of that name."""
    wanted = Rule(
        name,
        shapes.who(to or ()),
        tuple(event or ()),
        severity,
        tuple(group or ()),
        quiet,
        shapes.wait(escalate_after),
        shapes.who(escalate_to or ()),
        not off,
    )
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def known(tx: Transaction) -> Rule:
            try:
                return _like(wanted, rulebook.by_name(tx, organization.id, name).id)
            except NotFound:
                return wanted

        if dry:
            lines = installation.database.read_now(lambda tx: rulebook.preview(tx, organization.id, wanted))
            _print(lines, json_)
            return
        made = installation.database.run_now(lambda tx: rulebook.put(tx, organization.id, known(tx), by=who(by)))
        unreached = installation.database.read_now(
            lambda tx: routing.missing(
                rulebook.book(tx, organization.id),
                routing.Who(
                    *(getattr(made.who, each) + getattr(made.escalate_to, each) for each in routing.Who.__slots__)
                ),
            )
        )
    if json_:
        put({"rule": form(made), "warnings": unreached})
        return
    say(f"{made.name} tells {made.who.shown}.")
    for each in unreached:
        hint(each)


def unrule(context: typer.Context, name: Name, by: By = None, json_: Json = False) -> None:
    """Remove a rule; what it has put on its way goes on."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.run_now(lambda tx: rulebook.remove(tx, organization.id, name, by=who(by)))
    if json_:
        put({"rule": form(found)})
    else:
        say(f"The rule {found.name} is removed.")


def preview(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Say what a rule would have sent in the last 7 days."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        lines = installation.database.read_now(
            lambda tx: rulebook.preview(tx, organization.id, rulebook.by_name(tx, organization.id, name))
        )
    _print(lines, json_)


def take(
    context: typer.Context,
    notice_id: Annotated[str, typer.Argument(metavar="ID", help="What `notification list --json` calls `notice_id`.")],
    by: By = None,
    json_: Json = False,
) -> None:
    """Take a notice over: nobody is reminded of it, and nobody else is called."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        installation.database.run_now(lambda tx: outbox.take(tx, organization.id, notice_id, by=who(by)))
    if json_:
        put({"taken": True, "notice_id": notice_id})
    else:
        say(f"{who(by)} has taken it over.")


def _like(wanted: Rule, rule_id: str) -> Rule:
    return Rule(**{name: getattr(wanted, name) for name in Rule.__slots__ if name != "id"}, id=rule_id)


def _row(each: Rule) -> list[Any]:
    what = [*each.events, *([f"{each.severity} and above"] if each.severity else []), *each.device_groups]
    after = (
        f"{length(timedelta(seconds=each.escalate_after))}: {each.escalate_to.shown}"
        if each.escalate_after is not None
        else "-"
    )
    return [
        each.name,
        "yes" if each.enabled else "no",
        ", ".join(what) or "everything",
        each.who.shown,
        each.quiet,
        after,
    ]


def _print(lines: list[rulebook.Line], json_: bool) -> None:
    if json_:
        items = [
            {
                "at": iso(line.at),
                "event": line.event,
                "title": line.title,
                "deliveries": [
                    {"to": each.to, "due_at": iso(each.due_at), "escalated": each.escalated} for each in line.deliveries
                ],
            }
            for line in lines
        ]
        put({"items": items, "next": None})
        return
    if not lines:
        hint("It would have sent nothing in the last 7 days.")
        return
    columns = [Column("when"), Column("event"), Column("what", flexible=True), Column("to", flexible=True)]
    rows: list[list[Any]] = [
        [
            age(line.at),
            line.event,
            line.title,
            ", ".join(f"{each.to}{' (escalated)' if each.escalated else ''}" for each in line.deliveries),
        ]
        for line in lines
    ]
    table(columns, rows)
