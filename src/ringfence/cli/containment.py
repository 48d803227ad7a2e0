"""`ringfence containment`. Only rows are written here; a running worker carries out what they ask for."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli import containment_proof
from ringfence.cli import isolations as shown
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Cursor, Invocation, Json, Limit, invocation, who
from ringfence.cli.moments import age, exact, length, time_of_day
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.cli.waiting import Goal, follow
from ringfence.containment import board, isolations
from ringfence.containment.board import Detail, Event, Hold, Row
from ringfence.containment.isolations import Isolation
from ringfence.errors import Invalid
from ringfence.playbooks.durations import Duration
from ringfence.storage import Transaction

if TYPE_CHECKING:
    from ringfence.app import App

app = typer.Typer(no_args_is_help=True)

COLUMNS = [
    Column("id"),
    Column("state"),
    Column("host", flexible=True),
    Column("asked for"),
    Column("by", optional=True),
    Column("goes free", optional=True),
    Column("reason", flexible=True, optional=True),
]
Reason = Annotated[str, typer.Option(help="Why, in a few words; it is kept, and Defender records it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow it to its end; status 1 if the end is another one.")]
Timeout = Annotated[
    str | None, typer.Option(help="With --wait: wait no longer than this, such as `10 min`.", metavar="DURATION")
]


class Extent(StrEnum):
    """How much of a host's network is cut off. Selective keeps Outlook and Teams working."""

    FULL = "Full"
    SELECTIVE = "Selective"


Seen = dict[str, Isolation]


_SAID = {
    "allowed": "It allowed the containment.",
    "ask": "It asked people about the containment.",
    "not_needed": "It found no need for the containment.",
}


@app.callback()
def containment() -> None:
    """Contain hosts, release them, and see the proof."""


@app.command("list")
def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    text: Annotated[str, typer.Option(help="Only those with this in host, reason or requester.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List containments that are not over, the newest first; with --all also what is over, and what others isolated."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> tuple[board.Page, Seen, list[Isolation], list[isolations.Reading]]:
            page = board.listing(
                tx, organization.id, live=None if all_ else True, text=text, cursor=cursor, limit=limit
            )
            machines = [row.machine_id for row in page.rows if row.machine_id and row.live]
            seen = isolations.of_machines(tx, organization.id, machines)
            foreign: list[Isolation] = []
            if all_ and cursor is None:
                foreign = list(isolations.listing(tx, organization.id, foreign=True, text=text, limit=limit).rows)
            return page, seen, foreign, isolations.readings(tx, organization.id)

        page, seen, foreign, readings = installation.database.read_now(look)
    if json_:
        items = [described(row) | {"host": _host(row, seen)} for row in page.rows]
        put({"items": items, "next": page.next, "foreign": [shown.described(row) for row in foreign]})
        return
    if page.rows:
        table(COLUMNS, [listed(row) for row in page.rows])
        for row in page.rows:
            if (there := seen.get(row.machine_id or "")) is not None and there.problem:
                say(f"{row.name}: {there.problem}")
    elif not foreign:
        hint("There are no such containments." if all_ else "No host is held; --all lists what is over.")
    shown.show(foreign, "Isolated by others")
    shown.warn(readings)
    if page.next:
        hint(f"There are more: --cursor {page.next}")


def _host(row: Row, seen: Seen) -> dict[str, Any] | None:
    there = seen.get(row.machine_id or "")
    return shown.described(there) if there is not None else None


app.command("orphans")(shown.list_orphans)


def listed(row: Row) -> list[Any]:
    """Return a containment as a row under `COLUMNS`."""
    free = age(row.auto_release_at if row.live else None)
    return [row.id, styled(row.state), row.name, age(row.requested_at), row.requested_by, free, row.reason]


def described(row: Row) -> dict[str, Any]:
    """Return a containment as JSON: `desired` is what we want of the host, `observed` what Defender confirmed."""
    document: dict[str, Any] = form(row)
    return document | {"live": row.live, "desired": row.desired.value, "observed": row.observed.value}


@app.command()
def contain(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(help="The host: Defender's machine id, its whole DNS name, or an IP address.")
    ],
    reason: Reason,
    account: Annotated[str | None, typer.Option(help="Which account's host, if there are several.")] = None,
    isolation: Annotated[
        Extent, typer.Option("--type", case_sensitive=False, help="Selective keeps Outlook and Teams working.")
    ] = Extent.FULL,
    auto_release: Annotated[
        str | None, typer.Option(help="Let it go by itself after this time, such as `24 h`.", metavar="DURATION")
    ] = None,
    alert: Annotated[
        str | None, typer.Option(help="Because of this alert: our id, or Defender's. It may be dealt with already.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also if Defender has dealt with the alert already.")] = False,
    by: By = None,
    wait: Wait = False,
    timeout: Timeout = None,
    json_: Json = False,
) -> None:
    """Ask for a host to be cut off; policy decides, and a running worker carries it out."""
    called = invocation(context)
    free_after, longest = _seconds("--auto-release", auto_release), _seconds("--timeout", timeout)
    with called.opened() as installation:
        organization = called.organization(installation)
        made = asyncio.run(
            installation.contain(
                organization_id=organization.id,
                target=target,
                isolation_type=isolation.value,
                reason=reason,
                account=account,
                by=who(by),
                auto_release=free_after,
                force=force,
                alert=alert,
            )
        )
        if wait:
            _follow(called, installation, made, Goal.CONTAINED, longest)
        found = installation.database.read_now(lambda tx: board.get(tx, organization.id, made))
    if json_:
        put(proven(found))
    elif not wait:
        say(f"Asked for: {found.row.name} is to be contained, as {found.row.id}.")
        _a_worker_does_it(found.row)


@app.command()
def release(
    context: typer.Context,
    containment_id: Annotated[str, typer.Argument(metavar="ID", help="The containment's id.")],
    reason: Reason,
    by: By = None,
    wait: Wait = False,
    timeout: Timeout = None,
    json_: Json = False,
) -> None:
    """Ask for a host to be let go, whoever holds it; a running worker carries it out."""
    called = invocation(context)
    longest = _seconds("--timeout", timeout)
    if not reason.strip():
        raise Invalid("A release needs a reason.", advice="Say in a few words why the host may be let go.")
    with called.opened() as installation:
        organization = called.organization(installation)
        before = installation.database.read_now(lambda tx: board.get(tx, organization.id, containment_id)).row
        if before.live or before.joined_id:
            asyncio.run(installation.release(containment_id=containment_id, reason=reason, by=who(by)))
            if wait:
                _follow(called, installation, containment_id, Goal.RELEASED, longest)
        found = installation.database.read_now(lambda tx: board.get(tx, organization.id, containment_id))
    if json_:
        put(proven(found))
    elif not (before.live or before.joined_id):
        say(f"It is over already: {before.name} is {before.state}.")
    elif not wait:
        say(f"Asked for: {found.row.name} is to be released.")
        _a_worker_does_it(found.row)


@app.command()
def show(
    context: typer.Context,
    containment_id: Annotated[str, typer.Argument(metavar="ID", help="The containment's id.")],
    json_: Json = False,
) -> None:
    """Show one containment: what policy said, each transition with its time, and who holds the host."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: board.get(tx, organization.id, containment_id))
    if json_:
        put(proven(found))
        return
    _head(found)
    if found.verdict is not None:
        heading("Policy")
        say(_SAID.get(found.verdict.outcome, "It refused the containment."))
        for each in found.verdict.reasons:
            say(f"  {each}")
        facts((f"  {name}", _shown(value)) for name, value in found.verdict.facts.items())
    heading("Events")
    for event in found.events:
        say(event_line(event))
    heading("Held by")
    columns = [Column("holder"), Column("since"), Column("let go"), Column("reason", flexible=True)]
    table(columns, [[_holder(each), age(each.held_at), age(each.let_go_at), each.reason] for each in found.holds])


app.command("proof")(containment_proof.proof)


def _holder(hold: Hold) -> str:
    if hold.by.incident is not None:
        return f"incident #{hold.by.incident}"
    return f"{hold.by.playbook} (run {hold.by.run_id})" if hold.by.run_id else hold.holder


def proven(found: Detail) -> dict[str, Any]:
    """Return a containment with its proof as JSON; `clocks` are seconds."""
    more = {"playbook_name": found.playbook_name, "verdict": found.verdict, "events": found.events}
    return described(found.row) | more | {"holds": found.holds, "clocks": found.clocks}


def event_line(event: Event) -> Any:
    """Return a transition as a line: when, how long after the one before, what it became and why."""
    since = f"+{length(event.since)}" if event.since is not None else ""
    said = styled(time_of_day(event.at)).append(f"  {since:>12}  ", "dim")
    said.append(f"{event.after:<14}", styled(event.after).style)
    return said.append(f"  {visible(event.detail)}", "none")


def _follow(called: Invocation, installation: "App", containment_id: str, goal: Goal, longest: float | None) -> None:
    def tell(event: Event) -> None:
        if not called.json:
            say(event_line(event))

    end = follow(called, installation, containment_id, goal, longest=longest, each=tell)
    if not called.json:
        say(f"{end.row.name} is {end.row.state}.")


def _head(found: Detail) -> None:
    row, clocks = found.row, found.clocks
    facts(
        [
            ("containment", row.id),
            ("host", row.name),
            ("machine id", row.machine_id or "-"),
            ("account", row.account_name),
            ("state", styled(row.state)),
            ("detail", row.detail),
            ("we want it", row.desired),
            ("Defender says", row.observed),
            ("isolation", row.isolation_type),
            ("reason", row.reason),
            ("asked for by", row.requested_by),
            ("playbook", found.playbook_name or ""),
            ("run", row.run_id or ""),
            ("alert", row.alert_id or ""),
            ("joined", row.joined_id or ""),
            ("asked for", exact(row.requested_at)),
            ("confirmed", exact(row.confirmed_at)),
            ("goes free", exact(row.auto_release_at) if row.auto_release_at and row.live else ""),
            ("released", exact(row.released_at) if row.released_at else ""),
            ("until contained", length(clocks.contain)),
            ("held for", length(clocks.held)),
        ]
    )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return Duration.parse(text).seconds
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _a_worker_does_it(row: Row) -> None:
    hint("A running worker (`ringfence serve` or `ringfence worker`) carries it out.")
    hint(f"Follow it: `ringfence containment show {row.id}`, or ask with --wait.")
