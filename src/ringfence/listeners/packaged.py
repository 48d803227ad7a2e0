"""Poll the services whose type a package brings: call its function apart from everything else, and take its events once.

The function runs on a thread and an event loop of its own, so that one that blocks holds up nothing; a call that does not
come back is given up, and its service is not called again before it has. What it raises is told, and harms nobody.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Final, Protocol

from ringfence import clock, logs
from ringfence.actions import ActionError, Event, HttpAnswer, HttpPort, Poll, Polled
from ringfence.actions.catalogue import Catalogue
from ringfence.actions.polling import Reader, ServiceType
from ringfence.apps import service as apps
from ringfence.apps.shelf import shelf
from ringfence.errors import RingfenceError, Unavailable
from ringfence.ingestion.loop import Polls
from ringfence.ingestion.poller import PollReport
from ringfence.ingestion.trial import Trial
from ringfence.listeners import service_events
from ringfence.listeners.service_events import Brought
from ringfence.listeners.starting import Outcome, outcome
from ringfence.organizations import service as organizations
from ringfence.organizations.model import State
from ringfence.playbooks.triggers import ServiceTrigger
from ringfence.services import records
from ringfence.services.model import Service
from ringfence.services.service import poll_start
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.triggers import service as trigger
from ringfence.triggers.listening import Listener, Listening

_LARGEST_ANSWER: Final = 4_000_000
_LONGEST_REQUEST: Final = 30.0
_MOST_IN_A_ROW: Final = 20
_LONGEST_REASON: Final = 300
_log = logs.get(__name__)


class Reaches(Protocol):
    """What gives the way outside of one organization."""

    def __call__(self, organization_id: str, /) -> HttpPort: ...


class Packaged:
    """Polls services of packages."""

    def __init__(self, database: Database, catalogue: Catalogue, reach: Reaches, settings: Settings) -> None:
        self._database = database
        self._catalogue = catalogue
        self._known = shelf(catalogue)
        self._reach = reach
        self._settings = settings
        self._listening = Listening()
        self._calls: dict[str, Future[Polled]] = {}

    async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport:
        """Ask for events until there are no more at present, each time taking them in one transaction.

        A service that was changed meanwhile is read again by itself. Conflict where the app is not installed any more,
        Unavailable for whatever the package does wrong. `back_to` means alerts, and is of no concern here.
        """
        report, began = PollReport(service.id), clock.timestamp()
        for _ in range(_MOST_IN_A_ROW):
            polled = await self._ask(service)
            report.pages += 1
            report.seen += len(polled.events)
            if polled.events or polled.cursor != service.cursor:
                now = clock.now()
                hits = await self._database.run(lambda tx: self._take(tx, service, polled, now))  # noqa: B023
                if hits is None:
                    break
                report.new += len(polled.events)
                report.hits += hits
                report.misses += len(polled.events) - hits
                ages = [
                    (now - each.at).total_seconds() for each in polled.events if each.at is not None and each.at <= now
                ]
                report.lag = max([*ages, *([report.lag] if report.lag is not None else [])], default=None)
                service = await self._database.read(lambda tx: records.by_id(tx, service.id))  # noqa: B023
            if not polled.more:
                break
        report.duration = clock.timestamp() - began
        return report

    async def trial(self, service: Service) -> Trial:
        """Ask once, as a poll would, and keep nothing; never raises for what the package does."""
        began = clock.timestamp()
        try:
            polled = await self._ask(service)
        except RingfenceError as error:
            return Trial(False, error.message, error.advice, clock.timestamp() - began, 0)
        count = len(polled.events)
        said = f"Reading works; {count} event{'' if count == 1 else 's'} would be taken now."
        return Trial(True, said, "", clock.timestamp() - began, count)

    async def _ask(self, service: Service) -> Polled:
        await self._database.read(lambda tx: apps.demand(tx, self._known, service.source, service.organization_id))
        declared = self._catalogue.services[service.source]
        earlier = self._calls.get(service.id)
        if earlier is not None and not earlier.done():
            raise _failing(declared, "an earlier call has not come back yet")
        # Unusual words about time take a while to read.
        begin = await asyncio.to_thread(poll_start, service, self._settings.poll_history, clock.now())
        poll = Poll(service.cursor, begin, clock.now(), _reading(self._reach(service.organization_id)))
        call = _apart(f"service {service.name}", lambda: declared.poll(poll, service.parameters))
        self._calls[service.id] = call
        try:
            polled = await asyncio.wait_for(asyncio.wrap_future(call), declared.timeout)
        except TimeoutError:
            raise _failing(declared, f"it did not come back within {declared.timeout:g} s") from None
        except _Failed as error:
            self._calls.pop(service.id, None)
            if error.expected:
                raise Unavailable(error.sentence, advice=error.advice) from None
            _log.warning("packaged_poll_failed", service=service.name, app=declared.id, error=error.sentence)
            raise _failing(declared, error.sentence) from None
        self._calls.pop(service.id, None)
        return polled

    def _take(self, tx: Transaction, service: Service, polled: Polled, now: datetime) -> int | None:
        """Move the cursor and start playbooks; returns how many events started one, None where the service was changed."""
        if not records.moved(tx, service, polled.cursor):
            return None
        heard = [
            (name, listener)
            for organization_id, name in self._heard(tx, service).items()
            for listener in self._listening.of(tx, organization_id, ServiceTrigger)
            if listener.trigger.service == name
        ]
        brought = [_start(tx, heard, service, each, now) for each in polled.events]
        service_events.write(tx, service, [each for each, _ in brought])
        return sum(started for _, started in brought)

    def _heard(self, tx: Transaction, service: Service) -> dict[str, str]:
        """Return the organizations whose playbooks may listen, each with the name that they know the service by."""
        heard = {service.organization_id: service.name}
        if service.everybody or service.shared_with:
            every = organizations.every(tx)
            owner = next(each for each in every if each.id == service.organization_id)
            for each in every:
                shared = service.everybody or each.id in service.shared_with
                if shared and each.id != owner.id and each.state is State.ACTIVE:
                    heard[each.id] = f"{owner.name}/{service.name}"
        return heard


class Either:
    """Polls any service: one that follows an account, or one that a package reads."""

    def __init__(self, alerts: Polls, packaged: Polls) -> None:
        self._alerts = alerts
        self._packaged = packaged

    async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport:
        """Poll it by what reads it."""
        return await (self._packaged if service.packaged else self._alerts).poll(service, back_to=back_to)


def _start(
    tx: Transaction,
    heard: Sequence[tuple[str, Listener[ServiceTrigger]]],
    service: Service,
    event: Event,
    now: datetime,
) -> tuple[Brought, bool]:
    own, elsewhere = list[Outcome](), 0
    for name, listener in heard:
        seen = trigger.document(name, service.source, event.id, event.at or now, event.data)
        cause = f"event:{service.id}:{storable(event.id)}"
        found = trigger.match(listener.trigger, seen)
        came = outcome(tx, listener, found, cause, seen, listener.trigger.account)
        # What another organization's playbooks are called, and which runs they have, is not told to who shares a service.
        if listener.playbook.organization_id == service.organization_id:
            own.append(came)
        else:
            elsewhere += came.started
    brought = Brought(event.id, event.at, tuple(own), elsewhere)
    return brought, elsewhere > 0 or any(each.started for each in own)


def _reading(port: HttpPort) -> Reader:
    """Return what reads for a poll: asked on the loop of the package, done on ours, which holds connections and tokens."""
    ours = asyncio.get_running_loop()

    async def read(
        address: str, /, *, account: str | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> HttpAnswer:
        asked = port.request(
            "GET",
            address,
            account=account,
            query=dict(query),
            headers=dict(headers),
            body=None,
            timeout=_LONGEST_REQUEST,
            largest=_LARGEST_ANSWER,
            redirects=5,
            harmless=True,
            key=f"poll:{clock.new_id()}",
        )
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked, ours))

    return read


class _Failed(Exception):
    """What a package raised, as text of ours; `expected` where it raised what it may."""

    def __init__(self, error: BaseException) -> None:
        self.expected = isinstance(error, ActionError)
        self.advice = ""
        try:
            said = _line(error.message if isinstance(error, ActionError) else error)
            self.advice = _line(error.advice) if isinstance(error, ActionError) else ""
        except Exception:
            said = ""
        self.sentence = said if self.expected else f"{type(error).__name__}: {said}".rstrip(": ")
        super().__init__(self.sentence)


def _apart(name: str, work: Callable[[], Coroutine[Any, Any, Polled]]) -> "Future[Polled]":
    """Run a coroutine on a thread and a loop of its own; nothing waits for the thread, not even the end of the process."""
    done: Future[Polled] = Future()
    # Who gives it up must not make its end an error.
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(asyncio.run(work()))
        except BaseException as error:
            # A package may raise anything, also what ends a process.
            done.set_exception(_Failed(error))

    threading.Thread(target=run, name=name, daemon=True).start()
    return done


def _failing(declared: ServiceType, why: str) -> Unavailable:
    advice = "Look at the service's parameters, and ask who made the package."
    return Unavailable(f"Reading {declared.title} failed: {why.rstrip('.')}.", advice=advice)


def _line(text: object) -> str:
    """Return what a package says as one short line that can be kept."""
    said = str(text)[: _LONGEST_REASON * 4]
    return storable(" ".join("".join(each if each.isprintable() else " " for each in said).split())[:_LONGEST_REASON])
