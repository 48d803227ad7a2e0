"""Delete what webhooks took in and refused, and what services of packages brought, longer ago than it is kept."""

import asyncio
from typing import Final

from ringfence import logs
from ringfence.listeners import refusals, service_events, webhooks
from ringfence.storage import Database, Transaction
from ringfence.waiting import pause

_HOURLY: Final = 3600.0
_log = logs.get(__name__)


class Tidying:
    """Looks once an hour."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Tidy until `stop` is set; no failure ends it."""
        while not stop.is_set():
            try:
                await self._database.run(tidy)
            except Exception:
                _log.exception("webhooks_not_tidied")
            await pause(stop.wait(), _HOURLY)


def tidy(tx: Transaction) -> None:
    """Delete what is older than it is kept."""
    refusals.forget(tx)
    webhooks.forget(tx)
    service_events.forget(tx)
