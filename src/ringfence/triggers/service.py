"""Services that packages bring: what playbooks see of an event, and whether it starts one. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ringfence.clock import iso
from ringfence.playbooks.model import Json
from ringfence.playbooks.triggers import ServiceTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match
from ringfence.triggers.condition import where

DECLARATION: Final = Declaration(
    type="service",
    title="Event of a service",
    description="Starts when a trigger service that a package brings gives an event.",
)


def document(service: str, app: str, event_id: str, at: datetime, data: Mapping[str, Json]) -> dict[str, Json]:
    """Return what playbooks see of an event; `app` is the id of what the service is made of."""
    return {
        "type": DECLARATION.type,
        "service": service,
        "app": app,
        "event": dict(data),
        "event_id": event_id,
        "at": iso(at),
    }


def match(trigger: ServiceTrigger, seen: Mapping[str, Any]) -> Match:
    """Say whether an event of the trigger's own service starts it; a `where` that cannot be evaluated does not match."""
    fields = [FieldMatch("service", True, f"The event came by {trigger.service}.")]
    if trigger.where is not None:
        fields.append(where(trigger.where, seen, "event"))
    return Match(tuple(fields))
