"""`ringfence service events`: what a service of a package brought, and what came of it."""

from typing import Annotated, Any

import typer

from ringfence.cli.arrivals import arrivals, row, rows
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, hint
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
    arrivals([Column("came"), Column("event", flexible=True)], found, _rows)


def _rows(event: ServiceEvent) -> list[list[Any]]:
    came = [age(event.received_at), event.event_id]
    if not event.elsewhere:
        return rows(came, event.outcomes, nobody="No playbook listened to this service.")
    there = row(came, "of other organizations", started=True, run=str(event.elsewhere))
    return [*(rows(came, event.outcomes, nobody="") if event.outcomes else ()), there]
