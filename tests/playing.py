"""Playbooks played from their trigger to their end in a containment world: everything that a worker does, by turns.

Nothing runs beside anything: each turn polls, matches, carries runs, drives what they asked for, and then lets time pass to
the next moment at which something falls due.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from containment_world import World, a_world
from ringfence.actions import ContainmentPort, DefenderPort
from ringfence.actions.catalogue import discover
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval
from ringfence.containment import claims
from ringfence.containment.patience import Patience
from ringfence.containment.reconcile import Reconciler
from ringfence.ingestion.poller import Poller
from ringfence.listeners.feed import ChangeFeed
from ringfence.listeners.timers import Timers
from ringfence.playbooks import library
from ringfence.playbooks.library import StoredPlaybook
from ringfence.responses import claims as response_claims
from ringfence.responses.driver import Driver as Responder
from ringfence.runs import wakes
from ringfence.runs.door import Defender
from ringfence.runs.model import Run
from ringfence.runs.ports import Containments
from ringfence.runs.responding import Responses
from ringfence.runs.runner import Runner
from ringfence.services import records
from ringfence.settings import Settings
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.tables import runs, step_runs

ACCOUNT = "contoso"
DEADLINE = 4 * 3_600.0
SETTLED = ("succeeded", "failed", "cancelled", "partial")
MOST_TURNS = 400
_NONE = timedelta(0)


@dataclass
class Play:
    """A world in which playbooks are published, alerts are raised and time passes."""

    world: World
    poller: Poller = field(init=False)
    runner: Runner = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        database = self.world.database
        self.poller = Poller(database, self.world.clients, Settings(), lambda found: None)
        self.runner = Runner(database, discover(), self._ports, owner="player", lease=1e9, patience=0.01)
        self.world.set_account(roles=tuple(self.world.app.roles))
        self.seen = database.read_now(changes.latest)

    def _ports(self, run: Run) -> tuple[DefenderPort, ContainmentPort]:
        world, database = self.world, self.world.database
        by = f"playbook {run.playbook_name} {run.version}"
        asked = Responses(database, run.organization_id, run.account_id, by, DEADLINE, run.id, run.alert_id)
        return Defender(run, world.clients, database, responses=asked), Containments(run, database, deadline=DEADLINE)

    # --- what people do ----------------------------------------------------------------------------------------------

    def publish(self, source: str) -> StoredPlaybook:
        """Publish a playbook as it stands."""
        organization, catalogue = self.world.organization_id, discover()
        done = self.world.database.run_now(
            lambda tx: library.publish(tx, organization, source, "ada", catalogue=catalogue)
        )
        return done.playbook

    def raise_alert(self, machine: str = "wks-001", **values: Any) -> str:
        """Let Defender raise a high alert a second from now, and return its id."""
        self.world.advance(1)
        spec = AlertSpec.model_validate({"machine": machine, "severity": "High", **values})
        return portal.raise_alert(self.world.tenant, spec, self.world.simulator.clock.now())

    def questions(self) -> list[Approval]:
        """Return the open questions."""
        organization = self.world.organization_id
        return self.world.database.read_now(lambda tx: approvals.listed(tx, organization))

    def answer(self, *, yes: bool) -> None:
        """Answer the one open question."""
        (asked,) = self.questions()
        organization = self.world.organization_id
        self.world.database.run_now(
            lambda tx: approvals.answer(tx, asked.id, organization_id=organization, by="mara", yes=yes, via="page")
        )

    # --- what a worker does ------------------------------------------------------------------------------------------

    async def turn(self) -> None:
        """Do all that a worker would do at this moment."""
        database = self.world.database
        for service in database.read_now(lambda tx: records.of_account(tx, self.world.account_id)):
            await self.poller.poll(service)
        await Timers(database).tick()
        await Patience(database).settle()
        for _ in range(MOST_TURNS):
            batch = database.read_now(lambda tx: changes.after(tx, self.seen))
            if batch:
                self.seen = batch[-1].id
                await ChangeFeed(database).handle(batch)
                topics = [f"{each.noun}:{each.noun_id}" for each in batch]
                database.run_now(lambda tx, topics=topics: wakes.wake(tx, topics))  # type: ignore[misc]
            for run_id in self._due():
                await self.runner.advance(run_id)
            await self.world.drive()
            while await Responder(database, self.world.clients, owner="player").drive_due():
                pass
            if not batch:
                return
        raise AssertionError("One thing leads to another without an end.")

    async def play(self, seconds: float) -> None:
        """Let time pass, with a turn at each moment at which something falls due."""
        end = self.world.simulator.clock.now() + seconds
        for _ in range(MOST_TURNS):
            await self.turn()
            now = self.world.simulator.clock.now()
            if now >= end:
                return
            due = self.world.database.read_now(self._next)
            until = end if due is None else min(end, max(due.timestamp(), now) + 0.001)
            self.world.advance(until - now)
        raise AssertionError("Something falls due again and again.")

    async def reconcile(self) -> None:
        """Compare with what Defender did."""
        await Reconciler(self.world.database, self.world.clients).reconcile_due()

    def _due(self) -> list[str]:
        now = self.world.database.read_now(lambda tx: wakes.stranded(tx, older_than=_NONE))
        return [run_id for run_id, _, _ in now]

    def _next(self, tx: Transaction) -> datetime | None:
        waiting = sa.select(sa.func.min(step_runs.c.wake_at)).where(step_runs.c.status == "waiting")
        gathering = sa.select(sa.func.min(runs.c.not_before)).where(runs.c.status == "requested")
        found = (
            tx.scalar(waiting),
            tx.scalar(gathering),
            claims.next_due(tx),
            response_claims.next_due(tx),
            approvals.next_due(tx),
        )
        return min((each for each in found if each is not None), default=None)

    # --- what became of it -------------------------------------------------------------------------------------------

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs, in the order of their making."""
        query = sa.select(runs).order_by(runs.c.id)
        return [dict(row) for row in self.world.database.read_now(lambda tx: tx.all(query))]

    def steps(self) -> dict[str, str]:
        """Return how the steps of the only run ended: the outcome of those that succeeded, else the status."""
        (run,) = self.runs()
        assert run["status"] in SETTLED, (run["status"], self._open(run["id"]))
        rows = self._open(run["id"])
        return {
            row["step"]: row["outcome"] or row["status"] if row["status"] == "succeeded" else row["status"]
            for row in rows
        }

    def output(self, step: str) -> Any:
        """Return what a step of the only run gave."""
        (run,) = self.runs()
        return next(row["output"] for row in self._open(run["id"]) if row["step"] == step)

    def _open(self, run_id: str) -> list[sa.RowMapping]:
        query = sa.select(step_runs).where(step_runs.c.run_id == run_id).order_by(step_runs.c.position)
        return list(self.world.database.read_now(lambda tx: tx.all(query)))

    def alert(self, alert_id: str) -> dict[str, Any]:
        """Return an alert as Defender has it."""
        record = self.world.tenant.find_alert(alert_id)
        assert record is not None
        return dict(record.document)

    def comments(self, alert_id: str) -> list[str]:
        """Return the comments on an alert, without the marks by which they are found again."""
        return [each["comment"].partition(" [Ringfence ")[0] for each in self.alert(alert_id)["comments"]]


@asynccontextmanager
async def playing(database: Database) -> AsyncIterator[Play]:
    """Make a world in which playbooks are played."""
    async with a_world(database) as world:
        yield Play(world)
