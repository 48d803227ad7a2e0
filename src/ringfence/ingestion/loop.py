"""Poll every service for as long as the worker runs: one task each, so that no service waits for another.

Failures are met with growing pauses; an account whose credential was refused is proven again before it is read again.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from ringfence import clock, logs
from ringfence.accounts.model import USABLE, AccountState
from ringfence.accounts.proof import Report, describe
from ringfence.defender import BudgetSpent, DefenderError, ServerError, Throttled
from ringfence.errors import RingfenceError
from ringfence.ingestion import awaiting
from ringfence.ingestion.poller import PollReport
from ringfence.services import pace, records
from ringfence.services.heartbeats import Heartbeats
from ringfence.services.model import Service
from ringfence.services.pace import Pace
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.waiting import pause

LONGEST_PAUSE: Final = 300.0
FIRST_PAUSE: Final = 5.0
REFRESH: Final = 5.0
SPREAD: Final = 0.03
"""Seconds between the first polls of services that are found at the same time: about what one costs."""
_AT_ONCE: Final = 100
_log = logs.get(__name__)


class Polls(Protocol):
    """What reads a service; `ingestion.poller.Poller` is one."""

    async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport: ...


class Proves(Protocol):
    """What tests an account; `accounts.service.Accounts` is one."""

    async def prove(self, account_id: str) -> Report: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What all followers of a worker share; `gate` bounds how many poll at the same moment."""

    database: Database
    poller: Polls
    accounts: Proves
    settings: Settings
    beats: Heartbeats
    chance: Callable[[], float] = random.random
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))


class PollLoop:
    """Polls all services of all organizations."""

    def __init__(
        self,
        database: Database,
        poller: Polls,
        accounts: Proves,
        settings: Settings,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._refresh = min(REFRESH, settings.poll_interval)
        self._pools = settings.served_pools
        self._means = Means(database, poller, accounts, settings, Heartbeats(database), chance)

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; what is committed by then stays, the page that is being read is read again later."""
        followers: dict[str, Follower] = {}
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while not stop.is_set():
                await self._look(followers, tasks)
                await pause(stop.wait(), self._refresh)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            await self._write_beats()

    async def _look(self, followers: "dict[str, Follower]", tasks: dict[str, asyncio.Task[None]]) -> None:
        await self._write_beats()
        try:
            services, awaited = await self._database.read(
                lambda tx: (records.switched_on(tx, self._pools), awaiting.since(tx))
            )
        except Exception:
            # Those that are followed go on; whatever it was is tried again in a moment.
            _log.exception("services_not_listed")
            return
        adaptive: dict[str, int] = {}
        for service in services:
            if service.interval == pace.ADAPTIVE:
                adaptive[service.account_id] = adaptive.get(service.account_id, 0) + 1
        found = 0
        for service in services:
            follower = followers.get(service.id)
            if follower is None:
                follower = followers[service.id] = Follower(service, self._means, delay=found * SPREAD)
                tasks[service.id] = asyncio.create_task(follower.run())
                found += 1
            else:
                follower.notice(service)
            follower.back_to = awaited.get(service.account_id)
            follower.pace.sharing = adaptive.get(service.account_id, 1)
        for service_id in followers.keys() - {service.id for service in services}:
            # Switched off, or removed: what it has at hand is not waited for, and may be read again.
            tasks.pop(service_id).cancel()
            del followers[service_id]

    async def _write_beats(self) -> None:
        try:
            await self._means.beats.write()
        except Exception:
            _log.exception("heartbeats_not_written")


class Follower:
    """Follows one service; `step` does what is due and says how long to wait, so that time is the caller's."""

    def __init__(self, service: Service, means: Means, *, delay: float = 0.0) -> None:
        self.service = service
        self.back_to: datetime | None = None
        self.failures = 0
        self.pace = Pace()
        self._means = means
        self._delay = delay
        self._woken = asyncio.Event()
        self._due = self._first_due(service)
        self._wait = 0.0
        # The row says how the polls went; it is written at once whenever this one goes another way.
        self._quiet = False
        self._early = False
        if service.polled_at is not None and service.interval == pace.ADAPTIVE:
            self.pace.assume(clock.timestamp())

    async def run(self) -> None:
        """Follow until cancelled; no failure ends it."""
        if self._delay:
            await asyncio.sleep(self._delay)
        while True:
            try:
                wait = await self.step()
            except Exception as error:
                _log.exception("poll_failed", service=self.service.name)
                wait = await self._failed(
                    f"Polling failed by a fault of Ringfence ({type(error).__name__}); see its log."
                )
            await pause(self._woken.wait(), wait)
            self._woken.clear()

    def notice(self, service: Service) -> None:
        """Take note of how the row stands; look again at once if a person changed it, or its account was proven or renewed.

        Where the account has failed the pauses stay: most likely it was this follower that found out.
        """
        before, self.service = self.service, service
        edited = service.updated_at != before.updated_at
        renewed = service.account_updated_at != before.account_updated_at
        if edited:
            self._due = self._first_due(service)
            self._quiet = False
        if (edited or renewed) and service.account_state != AccountState.FAILED:
            self.failures = 0
            if renewed:
                self._due, self._early = min(self._due, clock.timestamp()), True
            self._woken.set()

    @property
    def is_woken(self) -> bool:
        """Whether the follower was told to look again and has not yet."""
        return self._woken.is_set()

    async def step(self) -> float:
        """Do what is due now and return the seconds until the next step."""
        service, now = self.service, clock.timestamp()
        remaining = self._due - now
        # A clock that was set back must not stop the polling.
        if 0.0 < remaining <= max(self._wait, self._interval(service)) and service.account_state in USABLE:
            return remaining
        if not await self._mine(service, now):
            return self._until(self._interval(service))
        try:
            async with self._means.gate:
                if service.account_state not in USABLE:
                    report = await self._means.accounts.prove(service.account_id)
                    if not report.usable:
                        return await self._failed(report.reason)
                began = clock.timestamp()
                met = await self._means.poller.poll(service, back_to=self.back_to)
        except DefenderError as error:
            asked = error.retry_after if isinstance(error, Throttled | ServerError | BudgetSpent) else None
            waits = isinstance(error, Throttled | BudgetSpent)
            sentence = f"Reading alerts failed: {describe(error)} {error.advice}"
            return await self._failed(sentence, asked=asked, waits=waits)
        except RingfenceError as error:
            return await self._failed(str(error))
        return await self._succeeded(met, began)

    def later(self, asked: float | None = None) -> float:
        """Return how long to wait after one more failure: twice as long each time, or as long as the tenant asked."""
        self.failures += 1
        first = min(FIRST_PAUSE, self._interval(self.service))
        growing = min(LONGEST_PAUSE, first * 2.0 ** min(self.failures - 1, 30)) * (0.9 + 0.2 * self._means.chance())
        return max(growing, asked or 0.0)

    async def _mine(self, service: Service, now: float) -> bool:
        if self._means.database.sqlite:
            # There is one worker only, and nobody to take turns with.
            return True
        until, early, self._early = _moment(now + self._interval(service)), self._early, False
        return await self._means.database.run(
            lambda tx: records.claim(tx, service.id, now=_moment(now), until=until, early=early)
        )

    async def _succeeded(self, met: PollReport, began: float) -> float:
        service, ended = self.service, clock.timestamp()
        self.failures = 0
        if service.interval == pace.ADAPTIVE:
            self.pace.polled(ended, max(1, met.pages), news=met.met_news)
            wait = self.pace.next(ended)
        else:
            # From begin to begin, so that the time that polls take does not add up.
            wait = max(0.0, self._interval(service) - (ended - began))
        if met.awaited or self.back_to is not None:
            wait = min(wait, awaiting.PAUSE)
        wait = self._until(wait)
        if self._quiet and not met.met_news:
            self._means.beats.note(service.id, _moment(began), _moment(self._due))
            return wait
        poll = records.Poll(
            polled_at=_moment(began),
            next_poll_at=_moment(self._due),
            hits=met.hits,
            misses=met.misses,
            lag=met.lag,
        )
        await self._means.database.run(lambda tx: records.succeeded(tx, service.id, poll))
        self._quiet = True
        return wait

    async def _failed(self, sentence: str, *, asked: float | None = None, waits: bool = False) -> float:
        self._quiet = False
        wait = self._until(self.later(asked))
        due = _moment(self._due)
        try:
            await self._means.database.run(lambda tx: records.failed(tx, self.service.id, sentence, due, waits=waits))
        except Exception:
            _log.exception("failure_not_recorded", service=self.service.name)
        return wait

    def _until(self, wait: float) -> float:
        self._wait = wait
        self._due = clock.timestamp() + wait
        return wait

    def _interval(self, service: Service) -> float:
        """Return the seconds between two polls, at rest where the pace is adaptive."""
        if not service.interval:
            return self._means.settings.poll_interval
        return pace.interval(service.interval) or pace.REST

    def _first_due(self, service: Service) -> float:
        """Return when the first poll is due: when it was last, or is to be after what was activated since."""
        interval = self._interval(service)
        self._wait = interval
        activated = service.activated_at.timestamp()
        polled = service.polled_at.timestamp() if service.polled_at is not None else 0.0
        if polled < activated and service.start_at_once:
            return 0.0
        return max(polled, activated) + interval


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
