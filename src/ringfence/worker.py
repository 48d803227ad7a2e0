"""The long-running side: pollers, the containment driver, the engine and its waker, on one event loop, drained at the end."""

import asyncio
import fcntl
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ringfence import clock, logs
from ringfence.accounts.checking import Checker
from ringfence.actions import ContainmentPort, DefenderPort
from ringfence.app import App
from ringfence.apps import service as apps
from ringfence.apps.shelf import shelf
from ringfence.audit.head_writer import HeadWriter
from ringfence.audit.heads import Signer
from ringfence.audit.witnesses import witnesses
from ringfence.containment.days import Keeper
from ringfence.containment.driver import Driver
from ringfence.containment.fleet import FleetCounter
from ringfence.containment.patience import Patience
from ringfence.containment.reconcile import Reconciler
from ringfence.containment.telling import Teller
from ringfence.drills.rehearsal import Rehearsals
from ringfence.errors import Conflict
from ringfence.ingestion.loop import PollLoop
from ringfence.ingestion.poller import Poller
from ringfence.ingestion.sweep import Sweeper
from ringfence.listeners.feed import ChangeFeed
from ringfence.listeners.inbox import Inbox
from ringfence.listeners.packaged import Either
from ringfence.listeners.tidying import Tidying
from ringfence.listeners.timers import Timers
from ringfence.notifications.delivery import Delivery
from ringfence.notifications.feed import Feed
from ringfence.rehearsals.prover import PLAYED_AGAIN, Prover
from ringfence.rehearsals.trying import Trials
from ringfence.responses.driver import Driver as Responder
from ringfence.runs.door import Defender
from ringfence.runs.engine import Engine
from ringfence.runs.model import Run
from ringfence.runs.ports import Containments
from ringfence.runs.responding import Responses
from ringfence.runs.retention import Kept, Retention
from ringfence.runs.runner import Runner
from ringfence.runs.waker import Waker
from ringfence.security.rotation import migrate
from ringfence.subscriptions.delivery import Delivery as Subscribers
from ringfence.subscriptions.feed import Feed as SubscribersFeed

log = logs.get(__name__)

_EMBEDDED = "embedded"
_DRAIN = 10.0


@contextmanager
def sole_worker(folder: Path) -> Iterator[None]:
    """Hold the data folder for one worker: two on one SQLite file would each take the other for dead."""
    path = folder / "worker.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                f"Another Ringfence works on the data folder {folder}.",
                advice="Stop it first, choose another folder (RINGFENCE_DATA), or use PostgreSQL for several workers.",
            ) from None
        yield


class Worker:
    """One worker of an installation; `run` carries it until `stop`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.id = _EMBEDDED if app.database.sqlite else clock.new_id()

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop` is set, then let what is at work end."""
        app, settings = self._app, self._app.settings
        clients = app.clients()

        def ports(run: Run) -> tuple[DefenderPort, ContainmentPort]:
            responses = Responses(
                app.database,
                run.organization_id,
                run.account_id,
                f"playbook {run.playbook_name} {run.version}",
                settings.decision_deadline,
                run.id,
                run.alert_id,
                run.continues,
            )
            return Defender(run, clients, app.database, responses=responses), Containments(
                run, app.database, deadline=settings.decision_deadline
            )

        engine = Engine(app.database, executor_id=self.id, concurrency=settings.concurrency)
        runner = Runner(
            app.database,
            app.catalogue,
            ports,
            owner=self.id,
            lease=settings.lease,
            largest_file=settings.attachment_limit,
            outside=app.outside,
        )
        waker = Waker(
            app.database,
            engine,
            runner,
            owner=self.id,
            host=f"{socket.gethostname()}:{os.getpid()}",
            sweep_interval=settings.sweep_interval,
            dead_after=settings.dead_after,
            lease=settings.lease,
            why_days=settings.why_days,
            pools=settings.served_pools,
        )
        kept = Kept(settings.succeeded_run_days, settings.failed_run_days, settings.cancelled_run_days)
        driver = Driver(
            app.database,
            clients,
            owner=self.id,
            interval=settings.confirm_interval,
            largest_body=settings.proof_body_limit,
        )
        teller = Teller(app.database, clients, mode=settings.write_back, keep=timedelta(days=settings.proof_days))
        heads = HeadWriter(
            app.database, Signer(settings.data), witnesses(settings), interval=settings.audit_head_interval
        )
        reconciler = Reconciler(
            app.database,
            clients,
            interval=settings.reconcile_interval,
            sign_of_life=settings.sign_of_life,
            warn_before=settings.release_warning,
        )
        responder = Responder(app.database, clients, owner=self.id, interval=settings.confirm_interval)
        # The change feed brings requested runs to the waker, of this worker and of every other.
        poller = Poller(app.database, clients, settings, lambda runs: None)
        accounts = app.accounts(clients)
        polling = PollLoop(app.database, Either(poller, app.packaged), accounts, settings)
        await asyncio.to_thread(_seal_by_newest, app)
        await app.database.run(lambda tx: apps.remember(tx, shelf(app.catalogue)))
        await waker.arrive()
        engine.launch(runner.advance)
        await engine.register()
        tasks = [
            asyncio.create_task(waker.follow(), name="follow"),
            asyncio.create_task(waker.sweep_for_ever(), name="sweep"),
            asyncio.create_task(driver.run(stop), name="containment"),
            asyncio.create_task(teller.run(stop), name="telling alerts"),
            asyncio.create_task(heads.run(stop), name="audit heads"),
            asyncio.create_task(reconciler.run_forever(stop), name="reconciler"),
            asyncio.create_task(responder.run(stop), name="responses"),
            asyncio.create_task(polling.run_forever(stop), name="polling"),
            asyncio.create_task(Checker(app.database, accounts).run_forever(stop), name="checks of accounts"),
            asyncio.create_task(Sweeper(app.database, clients, settings).run_forever(stop), name="completeness"),
            asyncio.create_task(Patience(app.database).run_forever(stop), name="questions"),
            asyncio.create_task(Keeper(app.database).run_forever(stop), name="days of containments"),
            asyncio.create_task(FleetCounter(app.database, clients).run_forever(stop), name="fleets"),
            asyncio.create_task(Feed(app.database).run_forever(stop), name="notifications"),
            asyncio.create_task(Delivery(app.database, app.sender).run_forever(stop), name="delivery"),
            asyncio.create_task(
                SubscribersFeed(app.database, app.sender.address).run_forever(stop), name="news of subscriptions"
            ),
            asyncio.create_task(Subscribers(app.database, app.sender).run(stop), name="subscriptions"),
            asyncio.create_task(
                Rehearsals(app.database, clients, transport=app.transport).run_forever(stop), name="drills"
            ),
            asyncio.create_task(Timers(app.database).run_forever(stop), name="timers"),
            asyncio.create_task(ChangeFeed(app.database).run_forever(stop), name="change triggers"),
            asyncio.create_task(Retention(app.database, engine, kept).run_forever(stop), name="retention of runs"),
            asyncio.create_task(
                Trials(app.database, app.catalogue, Prover(ready_for=PLAYED_AGAIN), owner=self.id).run_forever(stop),
                name="trials",
            ),
            asyncio.create_task(Tidying(app.database).run_forever(stop), name="tidying of webhooks"),
            asyncio.create_task(Inbox(app.database, app.vault).run_forever(stop), name="mailboxes"),
        ]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        log.info("worker started", worker=self.id)
        ready()
        try:
            ended, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in ended - {stopping}:
                # None of them ends by itself; a worker that lacks one must not look alive.
                task.result()
                if not stop.is_set():
                    raise RuntimeError(f"The task {task.get_name()} ended.")
        finally:
            stop.set()
            stopping.cancel()
            for task in tasks[:2]:
                task.cancel()
            await engine.drain(_DRAIN)
            await asyncio.gather(stopping, *tasks, return_exceptions=True)
            await asyncio.to_thread(engine.destroy)
            await waker.leave()
            await clients.aclose()
            log.info("worker stopped", worker=self.id)


def _seal_by_newest(app: App) -> None:
    """Seal by the organizations' own keys what an earlier release sealed."""
    for step in migrate(app.database, app.vault):
        log.info("secrets were sealed anew", done=step.done, all=step.all)


class WorkerThread:
    """A worker on a thread and an event loop of its own, so that runs never slow the pages down."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:
            self.error = error
            log.exception("the worker stopped with an error")
        finally:
            self._ready.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        await Worker(self._app).run(self._stop, self._ready.set)

    def start(self) -> None:
        """Start, and return when the worker is ready; raise what stopped it if it is not."""
        self._thread.start()
        self._ready.wait()
        if self.error is not None:
            raise self.error

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Let it end what it has at hand, and return when it has; nothing where it never started."""
        if self._loop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=2 * _DRAIN)
