"""Trigger services for tests."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.services import records
from ringfence.services.model import Service, ServiceState
from ringfence.storage import Database
from ringfence.storage.tables import trigger_services


def a_service(**values: Any) -> Service:
    """Make a service that is not stored."""
    now = clock.now()
    defaults: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": "organization",
        "account_id": "account",
        "account": "contoso",
        "account_state": "healthy",
        "account_updated_at": now,
        "name": "contoso",
        "source": "defender",
        "parameters": {},
        "cursor": None,
        "interval": "",
        "history": "",
        "start_at_once": False,
        "updates": True,
        "max_restarts": 3,
        "pool": "default",
        "notify_to": (),
        "everybody": False,
        "shared_with": (),
        "enabled": True,
        "state": ServiceState.STARTING,
        "state_reason": "",
        "poll_error": "",
        "problems": {},
        "failures": 0,
        "watermark": None,
        "polled_at": None,
        "next_poll_at": None,
        "lag": None,
        "polls": 0,
        "hits": 0,
        "misses": 0,
        "errors": 0,
        "activated_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return Service(**defaults | values)


def the_service(database: Database, account_id: str) -> Service:
    """Return the first service of an account as it stands."""
    return database.read_now(lambda tx: records.of_account(tx, account_id))[0]


def put(database: Database, service_id: str, **values: object) -> Service:
    """Write values into a service's row and return it."""
    statement = sa.update(trigger_services).where(trigger_services.c.id == service_id).values(**values)
    database.run_now(lambda tx: tx.execute(statement))
    return database.read_now(lambda tx: records.by_id(tx, service_id))


def watermark(database: Database, account_id: str) -> datetime | None:
    """Return how far the first service of an account has come."""
    return the_service(database, account_id).watermark
