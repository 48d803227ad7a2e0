"""Play one scene from what starts it to the end of what it did, by turns: all that a worker does, and then time passes.

Nothing runs beside anything: each turn reads alerts, carries runs, drives what they asked for and answers for people; then
the clock jumps to the next moment at which something falls due.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence.actions import ContainmentPort, DefenderPort
from ringfence.approvals import service as approvals
from ringfence.containment.driver import Driver
from ringfence.containment.model import State as Contained
from ringfence.containment.patience import Patience
from ringfence.ingestion.poller import Poller
from ringfence.listeners.starting import start
from ringfence.playbooks.library import StoredPlaybook
from ringfence.playbooks.model import DefenderAlertTrigger, Playbook
from ringfence.playbooks.proof import Sight, Subject
from ringfence.proving.directing import Directed, step_of
from ringfence.proving.scenes import Scene
from ringfence.proving.stage import BY, Stage
from ringfence.responses.driver import Driver as Responder
from ringfence.responses.model import State as Answered
from ringfence.runs import wakes
from ringfence.runs.door import Defender
from ringfence.runs.model import Run
from ringfence.runs.ports import Containments
from ringfence.runs.responding import Responses
from ringfence.runs.runner import Runner
from ringfence.services import records as services
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Transaction, changes
from ringfence.storage.tables import (
    alerts,
    containment_events,
    containments,
    response_events,
    responses,
    runs,
    step_runs,
)

LONGEST: Final = 400 * 86_400.0
"""Seconds of played time after which a host that is still held counts as never let go."""

_DEADLINE: Final = 4 * 3_600.0
_MOST_TURNS: Final = 600
_MOST_ROUNDS: Final = 200
_MOST_SIGHTS: Final = 60
_PEOPLE: Final = ("ada", "mara", "noor", "olek", "pim")


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that a step cut off, as its row stands at the end; times are in seconds after the start."""

    id: str
    step: str
    machine: str
    state: str
    detail: str
    confirmed: float | None
    released: float | None
    seen: tuple[Sight, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scene: how each step ended (status, outcome, error), what was held, and what was not as in a real run.

    `isolations` and `releases` are what the simulator itself did, by machine.
    """

    scene: Scene
    steps: dict[str, tuple[str, str | None, str]]
    holds: tuple[Hold, ...]
    notes: tuple[str, ...]
    carried_out: dict[str, list[str]]
    unfinished: str = ""

    def reached(self, step: str) -> bool:
        """Say whether a step cut something off."""
        return any(each.step == step and each.confirmed is not None for each in self.holds)


@dataclass
class Play:
    """A scene while it is played."""

    stage: Stage
    playbook: Playbook
    scene: Scene
    notes: dict[str, None] = field(default_factory=dict)
    seen: int = 0

    def __post_init__(self) -> None:
        app = self.stage.app
        self.poller = Poller(app.database, self.stage.clients, app.settings, lambda found: None)
        directed = Directed(app.catalogue, self.scene, lambda said: self.notes.setdefault(said))
        self.runner = Runner(
            app.database, directed, self._ports, owner=BY, lease=1e9, patience=0.01, outside=app.outside
        )

    def _ports(self, run: Run) -> tuple[DefenderPort, ContainmentPort]:
        database, by = self.stage.app.database, f"playbook {run.playbook_name} {run.version}"
        asked = Responses(database, run.organization_id, run.account_id, by, _DEADLINE, run.id, run.alert_id)
        return Defender(run, self.stage.clients, database, responses=asked), Containments(
            run, database, deadline=_DEADLINE
        )

    async def play(self, subject: Subject) -> Played:
        """Play it."""
        database = self.stage.app.database
        stored = self.stage.publish(subject)
        self.seen = database.read_now(changes.latest)
        alert = self._raise()
        await self._turn()
        begun = self.stage.simulator.clock.now()
        if not database.read_now(lambda tx: tx.scalar(sa.select(runs.c.id))):
            if isinstance(self.playbook.trigger, DefenderAlertTrigger):
                self.notes[
                    "Its trigger did not match the alert that was made for it; it was started on it by hand."
                ] = None
            database.run_now(lambda tx: self._start(tx, stored, alert))
        unfinished = await self._until_over(begun)
        found = database.read_now(lambda tx: _look(tx, begun))
        return Played(self.scene, found[0], found[1], tuple(self.notes), self._journal(), unfinished)

    def _raise(self) -> str | None:
        if self.scene.alert is None:
            return None
        spec = AlertSpec.model_validate({**self.scene.alert, "machine": self.stage.machine.name})
        return self.stage.raise_alert(spec)

    def _start(self, tx: Transaction, stored: StoredPlaybook, alert: str | None) -> None:
        row = None if alert is None else tx.one(sa.select(alerts).where(alerts.c.alert_id == alert))
        seen: dict[str, Any] = {"type": self.playbook.trigger.type, "account": self.stage.account, **self.scene.trigger}
        about: dict[str, Any] = {}
        if row is not None:
            seen |= {"alert_id": row["id"], "version": row["version"], "machine_id": row["machine_id"]}
            about = {"alert_id": row["id"], "alert_version": row["version"]}
        start(tx, stored, "proof", seen, self.stage.account, account_id=self.stage.account_id, **about)

    async def _until_over(self, begun: float) -> str:
        """Let time pass until nothing falls due any more; returns why it was broken off, if it was."""
        database = self.stage.app.database
        for _ in range(_MOST_TURNS):
            await self._turn()
            now = self.stage.simulator.clock.now()
            open_, due = database.read_now(lambda tx: (_open(tx), _next(tx)))
            if not open_:
                return ""
            if due is None:
                return "Nothing is left that would: the run is over, and no timer is set."
            if due.timestamp() - begun > LONGEST:
                return f"It is not over after {LONGEST / 86_400:g} days."
            self.stage.advance(max(due.timestamp() - now, 0.0) + 0.001)
        return "Something falls due again and again, without an end."

    async def _turn(self) -> None:
        database, clients = self.stage.app.database, self.stage.clients
        for service in database.read_now(lambda tx: services.of_account(tx, self.stage.account_id)):
            await self.poller.poll(service)
        await Patience(database).settle()
        for _ in range(_MOST_ROUNDS):
            database.run_now(self._answer)
            batch = database.read_now(lambda tx: changes.after(tx, self.seen))
            if batch:
                self.seen = batch[-1].id
                topics = [f"{each.noun}:{each.noun_id}" for each in batch]
                database.run_now(lambda tx, topics=topics: wakes.wake(tx, topics))  # type: ignore[misc]  # bound now
            due = database.read_now(_due)
            for run_id in due:
                await self.runner.advance(run_id)
            while await Driver(database, clients, owner=BY).drive_due():
                pass
            while await Responder(database, clients, owner=BY).drive_due():
                pass
            if not batch and not due:
                return

    def _answer(self, tx: Transaction) -> None:
        """Say yes to whatever people are asked, as many of them as are needed."""
        organization_id = self.stage.organization_id
        for asked in approvals.listed(tx, organization_id):
            self.notes["Whoever was asked said yes."] = None
            for name in _PEOPLE[: asked.question.needed]:
                approvals.answer(tx, asked.id, organization_id=organization_id, by=name, yes=True, via="page")

    def _journal(self) -> dict[str, list[str]]:
        found = {}
        for operation in (
            "isolate_machine",
            "unisolate_machine",
            "restrict_code_execution",
            "unrestrict_code_execution",
        ):
            entries = self.stage.simulator.journal.find(operation=operation)
            found[operation] = [str(entry.machine_id) for entry in entries if entry.machine_id is not None]
        return found


def _due(tx: Transaction) -> list[str]:
    return [run_id for run_id, _, _ in wakes.stranded(tx, older_than=timedelta(0))]


_ENDED: Final = ("succeeded", "partly_failed", "failed", "cancelled")


def _open(tx: Transaction) -> bool:
    going = tx.scalar(sa.select(sa.func.count()).select_from(runs).where(runs.c.status.not_in(_ENDED)))
    held = tx.scalar(sa.select(sa.func.count()).select_from(containments).where(containments.c.finished_at.is_(None)))
    more = tx.scalar(sa.select(sa.func.count()).select_from(responses).where(responses.c.finished_at.is_(None)))
    return bool(going or held or more)


def _next(tx: Transaction) -> datetime | None:
    """Return when something falls due; that a host is still held is looked at again and again, and moves nothing."""
    waiting = sa.select(sa.func.min(step_runs.c.wake_at)).where(step_runs.c.status == "waiting")
    gathering = sa.select(sa.func.min(runs.c.not_before)).where(runs.c.status == "requested")
    moments = [tx.scalar(waiting), tx.scalar(gathering), approvals.next_due(tx)]
    for table, still, timer in (
        (containments, Contained.CONTAINED, containments.c.auto_release_at),
        (responses, Answered.DONE, responses.c.ends_at),
    ):
        open_ = table.c.finished_at.is_(None)
        moments.append(tx.scalar(sa.select(sa.func.min(timer)).where(open_, table.c.state == still)))
        moments.append(tx.scalar(sa.select(sa.func.min(table.c.next_at)).where(open_, table.c.state != still)))
    return min((each for each in moments if each is not None), default=None)


def _look(tx: Transaction, begun: float) -> tuple[dict[str, tuple[str, str | None, str]], tuple[Hold, ...]]:
    rows = tx.all(sa.select(step_runs).order_by(step_runs.c.position, step_runs.c.iteration))
    steps: dict[str, tuple[str, str | None, str]] = {}
    for row in rows:
        # Of the items of a loop, one that succeeded says that the step was reached.
        if row["step"] not in steps or row["status"] == "succeeded":
            steps[row["step"]] = (row["status"], row["outcome"], row["error"] or "")
    made = [_hold(tx, row, containment_events, "containment_id", begun) for row in tx.all(sa.select(containments))]
    made += [_hold(tx, row, response_events, "response_id", begun) for row in tx.all(sa.select(responses))]
    return steps, tuple(made)


def _hold(tx: Transaction, row: sa.RowMapping, events: sa.Table, reference: str, begun: float) -> Hold:
    def since(moment: datetime | None) -> float | None:
        return None if moment is None else round(moment.timestamp() - begun, 1)

    confirmed = row["confirmed_at"] if "confirmed_at" in row else row["done_at"]
    released = row["released_at"] if "released_at" in row else row["undone_at"]
    told = tx.all(sa.select(events).where(events.c[reference] == row["id"]).order_by(events.c.id).limit(_MOST_SIGHTS))
    seen = tuple(
        Sight(after=since(each["at"]) or 0.0, what=f"{each['after'].replace('_', ' ')}: {each['detail']}")
        for each in told
    )
    step = step_of(row["request_key"])
    name = row["machine_name"] or row["target"]
    return Hold(row["id"], step, name, row["state"], row["detail"], since(confirmed), since(released), seen)
