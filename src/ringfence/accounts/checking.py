"""Check every account again and again: hourly where it works, soon and then more rarely where it does not.

A check that is due is taken by one conditional update, so that several workers share them. What a refused call or a person
changed makes one due at once. Whoever waits for an account (runs, containments, polling) sees its row change.
"""

import asyncio
from datetime import timedelta
from typing import Final, Protocol

from ringfence import clock, logs
from ringfence.accounts import records
from ringfence.accounts.proof import Report
from ringfence.errors import RingfenceError
from ringfence.storage import Database

LOOK_EVERY: Final = 2.0
"""Seconds between two looks for checks that are due."""
_TAKEN_FOR: Final = timedelta(minutes=5)
"""How long a check is left to the worker that took it; it says itself when the next one is due."""
_AT_ONCE: Final = 10
_log = logs.get(__name__)


class Proves(Protocol):
    """What tests an account; `accounts.service.Accounts` is one."""

    async def prove(self, account_id: str) -> Report: ...


class Checker:
    """Checks the accounts of all organizations."""

    def __init__(self, database: Database, accounts: Proves) -> None:
        self._database = database
        self._accounts = accounts
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Check until `stop` is set; no failure ends it."""
        while not stop.is_set():
            try:
                await self.look()
            except Exception:
                # Whatever it was is tried again in a moment.
                _log.exception("accounts_not_checked")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_EVERY)
            except TimeoutError:
                continue

    async def look(self) -> int:
        """Check those that are due; returns how many were."""
        due = await self._database.read(records.due)
        taken = [each for each in due if await self._take(each)]
        await asyncio.gather(*(self._check(each) for each in taken))
        return len(taken)

    async def _take(self, account_id: str) -> bool:
        until = clock.now() + _TAKEN_FOR
        return await self._database.run(lambda tx: records.claim_check(tx, account_id, until=until))

    async def _check(self, account_id: str) -> None:
        async with self._gate:
            try:
                await self._accounts.prove(account_id)
            except RingfenceError as error:
                # Its secret cannot be opened, or it was removed meanwhile.
                sentence = f"{error.message} {error.advice}".strip()
                await self._database.run(lambda tx: records.mark_failed(tx, account_id, sentence))
                _log.warning("account_not_checked", account=account_id, error=str(error))
            except Exception:
                _log.exception("account_check_failed", account=account_id)
