"""`ringfence service events`: what a service of a package brought, and what came of it."""

from typing import Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint, styled, table
from ringfence.listeners import service_events
from ringfence.listeners.service_events import ServiceEvent
from ringfence.services import records
from ringfence.services.model import Service
from ringfence.storage import Transaction

Name = Annotated[str, typer.Argument(help="Which service.")]
Limit = Annotated[int, typer.Option(min=1, max=service_events.MOST, help="How many at most.")]


def events(context: typer.Context, name: Name, limit: Limit = 50, json_: Json = False) -> None:
    """List what a service of a package brought, and why each event did or did not start playbooks."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: Transaction) -> tuple[Service, list[ServiceEvent]]:
            service = records.by_name(tx, organization.id, name)
            return service, service_events.newest(tx, service, limit=limit)

        service, found = installation.database.read_now(look)
    if json_:
        put({"items": [form(each) | {"started": each.started} for each in found], "next": None})
        return
    if not service.packaged:
        hint("It follows an account, and brings alerts: `ringfence alert list`.")
        return
    if not found:
        hint("Nothing came yet.")
        return
    columns = [
        Column("came"),
        Column("event", flexible=True),
        Column("playbook"),
        Column("outcome"),
        Column("run", optional=True),
        Column("why", flexible=True),
    ]
    table(columns, [row for each in found for row in _rows(each)])


def _rows(event: ServiceEvent) -> list[list[Any]]:
    came = [age(event.received_at), event.event_id]
    rows = [
        [*came, one.playbook, styled("started" if one.started else "not started"), one.run_id or "-", one.reason]
        for one in event.outcomes
    ]
    if event.elsewhere:
        rows.append([*came, "of other organizations", styled("started"), str(event.elsewhere), ""])
    return rows or [[*came, "-", styled("not started"), "-", "No playbook listened to this service."]]
