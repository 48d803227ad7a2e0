"""`ringfence service compare` and `ringfence service sweeps`: whether a service sees everything, and both sources the same."""

import asyncio
from typing import Annotated, Any

import typer

from ringfence import clock
from ringfence.app import App
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age, exact
from ringfence.cli.terminal import Column, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.errors import Invalid
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.compare import Comparison
from ringfence.ingestion.completeness import Delays
from ringfence.ingestion.sweep import Sweeper
from ringfence.ingestion.sweep_ledger import Sweep
from ringfence.services import records
from ringfence.services.model import Service
from ringfence.storage import Transaction

Name = Annotated[str, typer.Argument(help="Which service.")]
_SHOWN = 10


def compare(
    context: typer.Context,
    name: Name,
    since: Annotated[str, typer.Option(help="How far back: `24 hours ago`, `2026-01-31`.")] = "24 hours ago",
    json_: Json = False,
) -> None:
    """Read both sources of a service's account and say what only one shows, which fields differ, and by how much."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        service = installation.database.read_now(lambda tx: records.by_name(tx, organization.id, name))
        found = asyncio.run(installation.compare(service, since))
    if json_:
        put(form(found) | {"service": service.name})
        return
    print_comparison(found)


def sweeps(
    context: typer.Context,
    name: Name,
    now: Annotated[bool, typer.Option("--now", help="Sweep once more first, and wait for it.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=sweep_ledger.LARGEST_PAGE, help="How many are shown.")] = 10,
    json_: Json = False,
) -> None:
    """List what the sweeps of a service found that its polls had missed, newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        service = installation.database.read_now(lambda tx: records.by_name(tx, organization.id, name))
        if now:
            asyncio.run(_sweep(installation, service))
        found = installation.database.read_now(lambda tx: sweep_ledger.recent(tx, service.id, limit=limit))
    if json_:
        put({"items": found, "next": None})
        return
    if not found:
        hint("No sweep yet: the first comes within the hour after the first poll, or with --now.")
        return
    columns = [Column("due"), Column("read", right=True), Column("missed", right=True), Column("changes", right=True)]
    table([*columns, Column("seen after (50/90/99 %)"), Column("state")], [_row(each) for each in found])
    for line in lines(found[0]):
        say(line)


def completeness(tx: Transaction, service: Service) -> Sweep | None:
    """Return the last sweep of a service that ended, for those who show a service."""
    return next((each for each in sweep_ledger.recent(tx, service.id) if each.finished_at is not None), None)


def lines(sweep: Sweep) -> list[str]:
    """Say in sentences what a sweep found."""
    said = [
        f"Re-read {exact(sweep.since)} to {exact(sweep.until)}: {sweep.seen} alerts, of which polls had missed "
        f"{sweep.missed_alerts} alerts and {sweep.missed_versions - sweep.missed_alerts} changes."
    ]
    said += [
        f"Missed: {visible(str(each['alert_id']))} ({visible(str(each['title']))}), updated at {each['updated_at']}."
        for each in sweep.missed[:_SHOWN]
    ]
    if sweep.delays is not None:
        said.append(
            f"Alerts were seen {_delays(sweep.delays)} after their creation (50/90/99 % of {sweep.delays.count})."
        )
    return said + [visible(each) for each in (sweep.problem, sweep.error) if each]


def print_comparison(found: Comparison) -> None:
    """Print a comparison for people."""
    say(
        f"Since {exact(found.since)}: Defender shows {found.defender} alerts, Graph {found.graph}; {found.alike} alike."
    )
    if not found.complete:
        hint("There were more alerts than are compared at once; take a shorter span.")
    if found.other_products:
        say(
            f"Graph also shows {found.other_products} alerts of other products, which Defender for Endpoint does not have."
        )
    if found.unreadable:
        say(f"{found.unreadable} documents are no alerts that can be read.")
    for title, items, count in (
        ("Only Defender", found.only_defender, found.only_defender_count),
        ("Only Graph", found.only_graph, found.only_graph_count),
    ):
        if count:
            say(f"{title} shows {count}:")
            table(
                [Column("alert"), Column("created"), Column("title")],
                [[each.alert_id, age(each.created_at), each.title] for each in items[:_SHOWN]],
            )
    if found.differing_count:
        counted = ", ".join(f"{name} {count}" for name, count in found.fields.items())
        say(f"{found.differing_count} differ, by field: {counted}.")
        rows: list[list[Any]] = [
            [each.alert_id, field.field, _cut(field.defender), _cut(field.graph)]
            for each in found.differing[:_SHOWN]
            for field in each.fields
        ]
        table([Column("alert"), Column("field"), Column("Defender"), Column("Graph")], rows)
    for who, distance in (("Graph", found.behind), ("Defender", found.ahead)):
        if distance is not None:
            say(f"{who} dates the last update later for {distance.count} alerts, by {_delays(distance)} (50/90/99 %).")


def _row(sweep: Sweep) -> list[Any]:
    state = "failed" if sweep.error else "degraded" if sweep.problem else "ok" if sweep.finished_at else "running"
    seen = _delays(sweep.delays) if sweep.delays else "-"
    changes = sweep.missed_versions - sweep.missed_alerts
    return [age(sweep.due_at), str(sweep.seen), str(sweep.missed_alerts), str(changes), seen, styled(state)]


def _delays(found: Delays) -> str:
    return " / ".join(f"{each:,.1f} s" for each in (found.p50, found.p90, found.p99))


def _cut(value: Any) -> str:
    return "-" if value is None else str(value)[:60]


async def _sweep(installation: App, service: Service) -> None:
    if service.polled_at is None:
        raise Invalid(
            "The service has not polled yet.", advice="Wait for its first poll; then there is something to miss."
        )
    clients = installation.clients()
    try:
        await Sweeper(installation.database, clients, installation.settings).sweep(service, due_at=clock.now())
    finally:
        await clients.aclose()
