"""Poll every account for as long as the service runs: one task each, so that no account waits for another.

Failures are met with growing pauses; an account whose credential was refused is proven again before it is read again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from ringfence import clock, logs
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.proof import Report
from ringfence.defender import DefenderError, ServerError, Throttled
from ringfence.errors import NotFound, RingfenceError
from ringfence.ingestion.poller import PollReport, record_error
from ringfence.settings import Settings
from ringfence.storage import Database

LONGEST_PAUSE: Final = 300.0
FIRST_PAUSE: Final = 5.0
REFRESH: Final = 5.0
_log = logs.get(__name__)


class Polls(Protocol):
    """What reads an account; `ingestion.poller.Poller` is one."""

    async def poll(self, account_id: str) -> PollReport: ...


class Proves(Protocol):
    """What tests an account; `accounts.service.Accounts` is one."""

    async def prove(self, account_id: str) -> Report: ...


class PollLoop:
    """Polls all accounts of all organizations; with `at_once` each is polled as soon as it is found, else when it is due."""

    def __init__(
        self,
        database: Database,
        poller: Polls,
        accounts: Proves,
        settings: Settings,
        *,
        at_once: bool = True,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._refresh = min(REFRESH, settings.poll_interval)
        self._make: Callable[[str], Follower] = partial(
            Follower,
            database=database,
            poller=poller,
            accounts=accounts,
            settings=settings,
            at_once=at_once,
            chance=chance,
        )

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; what is committed by then stays, the page that is being read is read again later."""
        followers: dict[str, Follower] = {}
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while not stop.is_set():
                for account in await self._switched_on():
                    if account.id not in tasks:
                        followers[account.id] = self._make(account.id)
                        tasks[account.id] = asyncio.create_task(followers[account.id].run())
                    else:
                        followers[account.id].notice(account)
                for account_id in [each for each, task in tasks.items() if task.done()]:
                    del tasks[account_id], followers[account_id]
                await pause(stop.wait(), self._refresh)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _switched_on(self) -> list[Account]:
        try:
            return await self._database.read(records.switched_on)
        except Exception:
            # Those that are followed go on; whatever it was is tried again in a moment.
            _log.exception("accounts_not_listed")
            return []


@dataclass(slots=True)
class Follower:
    """Follows one account; `step` does what is due and says how long to wait, so that time is the caller's."""

    account_id: str
    database: Database
    poller: Polls
    accounts: Proves
    settings: Settings
    at_once: bool
    chance: Callable[[], float]

    failures: int = 0
    _seen: datetime | None = None
    _woken: asyncio.Event | None = None

    async def run(self) -> None:
        """Follow until the account is removed or switched off; no failure ends it."""
        self._woken = asyncio.Event()
        while True:
            try:
                wait = await self.step()
            except Exception:
                _log.exception("poll_failed", account=self.account_id)
                wait = self.later()
            if wait is None:
                return
            await pause(self._woken.wait(), wait)
            self._woken.clear()

    def notice(self, account: Account) -> None:
        """Look again at once if the account was changed since the last step began: renewed, proven, switched on.

        One that has failed is left to its pauses: most likely it was this follower that found out.
        """
        if self._woken is None or self._seen is None or account.updated_at <= self._seen:
            return
        self._seen = account.updated_at
        if account.state is not AccountState.FAILED:
            self.failures = 0
            self._woken.set()

    @property
    def is_woken(self) -> bool:
        """Whether the follower was told to look again and has not yet."""
        return self._woken is not None and self._woken.is_set()

    async def step(self) -> float | None:
        """Do what is due now and return the seconds until the next step, None if there is nothing left to follow."""
        account = await self._read()
        if account is None or account.state is AccountState.DISABLED:
            return None
        self._seen = account.updated_at
        remaining = self._until_due(account)
        if account.state is AccountState.HEALTHY and remaining > 0:
            return remaining
        try:
            if account.state is not AccountState.HEALTHY and not await self._prove():
                return self.later()
            await self.poller.poll(self.account_id)
        except DefenderError as error:
            return self.later(error.retry_after if isinstance(error, Throttled | ServerError) else None)
        except RingfenceError as error:
            sentence = str(error)
            await self.database.run(lambda tx: record_error(tx, self.account_id, sentence))
            return self.later()
        self.failures = 0
        return self.settings.poll_interval

    def later(self, asked: float | None = None) -> float:
        """Return how long to wait after one more failure: twice as long each time, or as long as the service asked."""
        self.failures += 1
        first = min(FIRST_PAUSE, self.settings.poll_interval)
        wait = min(LONGEST_PAUSE, first * 2.0 ** min(self.failures - 1, 30)) * (0.9 + 0.2 * self.chance())
        return max(wait, asked or 0.0)

    async def _read(self) -> Account | None:
        try:
            return await self.database.read(lambda tx: records.by_id(tx, self.account_id))
        except NotFound:
            return None

    async def _prove(self) -> bool:
        report = await self.accounts.prove(self.account_id)
        if not report.ok:
            await self.database.run(lambda tx: record_error(tx, self.account_id, report.reason))
        return report.ok

    def _until_due(self, account: Account) -> float:
        """Return the seconds until the next poll is due: another worker may have polled the account meanwhile."""
        if self.at_once or account.polled_at is None:
            self.at_once = False
            return 0.0
        remaining = self.settings.poll_interval - (clock.timestamp() - account.polled_at.timestamp())
        # A clock that was set back must not stop the polling.
        return remaining if self.settings.poll_interval * 0.1 < remaining <= self.settings.poll_interval else 0.0


async def pause(reason: Awaitable[object], seconds: float) -> None:
    """Wait until `reason` is there, but no longer than `seconds`."""
    try:
        await asyncio.wait_for(reason, seconds)
    except TimeoutError:
        return
