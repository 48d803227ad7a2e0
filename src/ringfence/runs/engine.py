"""The engine below the runtime: starts segments of runs here, and keeps in DBOS Transact the timers and what is too much.

To carry a run one segment forward, `advance`, holds no truth of its own: doing it twice, late, or for nothing is harmless,
since the claim on the run's row decides. Nor does anything hang on how it ends: what it left undone is found in the rows by
the sweep. So a start here is a task and nothing is written of it. What is written, as a workflow of DBOS: `run:segment` for a
start beyond what waits here, and `run:segment:timer` for a wake at a time that is near; what is further off is found by the
sweep when it is due.
"""

import asyncio
import contextvars
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, Serializer
from dbos import WorkflowSerializationFormat as SerializationFormat

from ringfence import clock, logs
from ringfence.runs.places import Places
from ringfence.storage import Database
from ringfence.storage.database import sqlite_pragmas

# The protocol of `advance`: raised only when segments of one release cannot be carried by the other.
PROTOCOL = "1"
QUEUE = "ringfence-runs"
_WORKFLOW = "ringfence.advance"
_BATCH = 200
# In place of the number of a segment, for what came through the queue.
_QUEUED = -1
_KEPT = timedelta(hours=1)
_CUT_OFF = 2.0
# What is looked at again later than this is left to the sweep: a timer for each of thousands of waiting runs costs more, kept
# and looked through twice a second, than a wake that is some seconds late after minutes.
_FAR = timedelta(minutes=2)

log = logs.get(__name__)


class _Json(Serializer):
    """JSON instead of pickle: a row of the engine's tables must never be able to run code."""

    def name(self) -> str:
        return "ringfence_json"

    def serialize(self, data: Any) -> str:
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)


Advance = Callable[[str], Awaitable[tuple[int, datetime] | None]]
Address = tuple[str, str, int]


class Engine:
    """One process's engine, made on the event loop that is to carry the runs. There can be one in a process.

    `concurrency` runs are carried at a time. Beyond `most_here`, waiting ones among them, the queue keeps them: that costs
    several times as much, but no memory. Among other workers, twice `concurrency`: the queue is what they share. `polling` is
    how often, in seconds, it is looked at.
    """

    def __init__(
        self, database: Database, *, executor_id: str, concurrency: int, most_here: int = 1000, polling: float = 0.5
    ) -> None:
        self._url = _system_url(database.url)
        self._sqlite = database.sqlite
        self._executor_id = executor_id
        self._concurrency = concurrency
        self._alone = True
        self._most_here = most_here
        self._polling = polling
        self._places = Places(concurrency)
        self._working: dict[asyncio.Task[Any], Address] = {}
        self._draining = False
        self._advance: Advance | None = None
        self._pool: sa.Engine | None = None

    def launch(self, advance: Advance) -> None:
        """Set the engine up and recover what this executor left; call it on the event loop, before any run is requested."""
        config: DBOSConfig = {
            "name": "ringfence",
            "system_database_url": self._url.render_as_string(hide_password=False),
            "application_version": PROTOCOL,
            "executor_id": self._executor_id,
            "serializer": _Json(),
            "run_migrations": True,
            "sys_db_idle_transaction_timeout_sec": 10.0,
            "log_level": logging.getLevelName(logging.getLogger("dbos").getEffectiveLevel()),
        }
        if self._sqlite:
            # DBOS sets a busy timeout but not WAL, without which readers and writers stop each other.
            self._pool = sa.create_engine(self._url, connect_args={"check_same_thread": False})
            sa.event.listen(self._pool, "connect", sqlite_pragmas)
            config["system_database_engine"] = self._pool
            # SQLite has one writer at a time: more threads would only wait for each other.
            config["max_executor_threads"] = 4
        _keep_our_handlers()
        DBOS(config=config)
        self._advance = advance

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None, serialization_type=SerializationFormat.PORTABLE)
        async def advance_run(run_id: str, organization_id: str) -> None:
            await self._carry((run_id, organization_id, _QUEUED))

        DBOS.launch()

    async def register(self) -> None:
        """Declare the queue; after `launch`."""
        await DBOS.register_queue_async(
            QUEUE,
            worker_concurrency=self._concurrency,
            partition_worker_concurrency=self._concurrency,
            polling_interval_sec=self._polling,
            on_conflict="always_update",
        )

    async def _carry(self, address: Address) -> None:
        task = asyncio.current_task()
        assert task is not None
        # Until the task itself is over: DBOS has still to write down that its workflow ended.
        self._note(task, address)
        try:
            await self._segment(*address[:2])
        except asyncio.CancelledError:
            if not self._draining:
                raise
            # Otherwise the engine below would take it for a failure of its own.
            task.uncancel()
        except Exception:
            log.exception("a segment ended with an error; its run is taken up again when its lease has run out")

    def _note(self, task: asyncio.Task[Any], address: Address) -> None:
        if task not in self._working:
            self._working[task] = address
            task.add_done_callback(self._working.pop)

    async def _segment(self, run_id: str, organization_id: str) -> None:
        assert self._advance is not None
        async with self._places.taken(organization_id):
            if self._draining:
                return
            again = await self._advance(run_id)
        if again is not None and again[1] - clock.now() <= _FAR:
            segment, at = again
            await self._outside(self._enqueue(f"{run_id}:{segment}:timer", run_id, organization_id, at))

    async def _outside(self, work: Any) -> None:
        # Inside a workflow DBOS would record every call as a step of it, to be replayed in the same order after a crash.
        await asyncio.get_running_loop().create_task(work, context=contextvars.Context())

    async def _enqueue(self, workflow_id: str, run_id: str, organization_id: str, at: datetime | None = None) -> None:
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": workflow_id,
            "queue_partition_key": organization_id,
            "app_version": PROTOCOL,
            "serialization_type": SerializationFormat.PORTABLE,
        }
        if at is not None:
            options["delay_seconds"] = max((at - clock.now()).total_seconds(), 0.001)
        await DBOS.enqueue_workflow_with_options_async(options, run_id, organization_id)

    async def start(self, addresses: list[Address]) -> None:
        """Start segments of runs (run, organization, segment) here; where too many wait already, they are queued."""
        here = set(self._working.values())
        for address in dict.fromkeys(addresses):
            run_id, organization_id, segment = address
            if address in here:
                continue
            if len(self._working) < (self._most_here if self._alone else 2 * self._concurrency):
                self._start_here(address)
            else:
                await self._outside(self._enqueue(f"{run_id}:{segment}", run_id, organization_id))

    def among(self, workers: int) -> None:
        """Take note of how many workers there are, this one included."""
        self._alone = workers <= 1

    def restart(self, addresses: list[Address]) -> int:
        """Start runs that nobody seems to carry, as far as there are places; returns how many."""
        here = {run_id for run_id, _, _ in self._working.values()}
        room = max(self._concurrency - len(self._working), 0)
        stranded = [each for each in addresses if each[0] not in here][:room]
        for each in stranded:
            self._start_here(each)
        return len(stranded)

    def _start_here(self, address: Address) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(address), context=contextvars.Context())
        self._note(task, address)

    async def adopt(self, executor_id: str) -> int:
        """End the workflows that a dead executor left, and return how many; their runs are carried on from the rows."""
        client = DBOSClient(system_database_url=self._url.render_as_string(hide_password=False))
        try:
            adopted = 0
            while True:
                found = await client.list_workflows_async(
                    status="PENDING", executor_id=executor_id, limit=_BATCH, load_input=False, load_output=False
                )
                if not found:
                    return adopted
                ids = [each.workflow_id for each in found]
                await client.cancel_workflows_async(ids)
                adopted += len(ids)
        finally:
            client.destroy()

    async def forget_finished(self) -> int:
        """Delete what the engine keeps of segments that ended over an hour ago; the runs' own rows tell the story."""
        before = (clock.now() - _KEPT).isoformat()
        deleted = 0
        while True:
            found = await DBOS.list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED"],
                completed_before=before,
                limit=_BATCH,
                load_input=False,
                load_output=False,
            )
            if not found:
                return deleted
            await DBOS.delete_workflows_async([each.workflow_id for each in found])
            deleted += len(found)

    async def forget(self, run_ids: Sequence[str]) -> int:
        """Delete everything that the engine has of runs that are gone, also timers that have not come; returns how much."""
        deleted = 0
        prefixes = [f"{run_id}:" for run_id in run_ids]
        while prefixes:
            found = await DBOS.list_workflows_async(
                workflow_id_prefix=prefixes, limit=_BATCH, load_input=False, load_output=False
            )
            if not found:
                break
            await DBOS.delete_workflows_async([each.workflow_id for each in found])
            deleted += len(found)
        return deleted

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, let the segments at work end for at most `seconds`, and cut off those that did not."""
        self._draining = True
        if self._working:
            await asyncio.wait(list(self._working), timeout=seconds)
        left = list(self._working)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_CUT_OFF)

    def destroy(self) -> None:
        """Stop the engine; what is not finished is taken up at the next launch. Call it outside the event loop."""
        DBOS.destroy(destroy_registry=True)
        if self._pool is not None:
            self._pool.dispose()


def _keep_our_handlers() -> None:
    # DBOS gives its logger a handler of its own unless there is one; ours, at the root, is the only one that redacts.
    dbos_logger = logging.getLogger("dbos")
    dbos_logger.handlers[:] = [logging.NullHandler()]
    dbos_logger.propagate = True


def _system_url(url: sa.URL) -> sa.URL:
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        return url.set(database=url.database.replace("ringfence.sqlite3", "engine.sqlite3"))
    return url.set(drivername="postgresql+psycopg")
