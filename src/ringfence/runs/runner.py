"""Carry a run one segment forward: take it, do every step that is ready, write what happened, park what waits, let go."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from ringfence import clock, logs
from ringfence.actions import Action, ContainmentPort, DefenderPort
from ringfence.actions.catalogue import Catalogue
from ringfence.errors import Invalid, LeaseLost
from ringfence.playbooks import document
from ringfence.playbooks.compiler import StepStatus, compile_playbook
from ringfence.runs import rows
from ringfence.runs.attachments import LARGEST
from ringfence.runs.model import Run, RunStatus
from ringfence.runs.segment import Script, Segment
from ringfence.storage import Database, Transaction

log = logs.get(__name__)

Ports = Callable[[Run], tuple[DefenderPort, ContainmentPort]]


class Runner:
    """Carries runs for one worker, which `owner` names; `lease` is in seconds.

    `patience` is how often, in seconds, a run looks for steps that were made due while others of its steps are at work.
    `largest_file`, in bytes, bounds what a step may keep.
    """

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        ports: Ports,
        *,
        owner: str,
        lease: float,
        patience: float = 2.0,
        largest_file: int = LARGEST,
    ) -> None:
        self._largest_file = largest_file
        self._patience = patience
        self._database = database
        self._catalogue = catalogue
        self._ports = ports
        self._owner = owner
        self._lease = lease
        self._held: set[tuple[str, int]] = set()
        self._script = lru_cache(maxsize=256)(self._compile)

    @property
    def carrying(self) -> set[str]:
        """The runs that are being carried at this moment."""
        return {run_id for run_id, _ in self._held}

    def _compile(self, _version_id: str, source: str) -> Script:
        found = document.read(source)
        if found.playbook is None:
            raise Invalid(
                "This version of the playbook cannot be read by this release.",
                advice="Publish it again after `ringfence playbook check`.",
            )
        plan = compile_playbook(found.playbook, self._catalogue)
        actions: dict[str, Action] = {}
        for step in plan.steps:
            action = self._catalogue.find(step.action)
            assert action is not None
            actions[step.name] = action
        return Script(plan, actions, {step.name: position for position, step in enumerate(plan.steps)})

    async def advance(self, run_id: str) -> tuple[int, datetime] | None:
        """Carry a run as far as it goes now; returns (segment, time) if it is to be carried on at a time, else None."""
        carried = run_id in self.carrying
        run = await self._database.run(
            lambda tx: rows.claim(tx, run_id, owner=self._owner, lease=self._lease, carried=carried)
        )
        if run is None:
            return None
        held = (run_id, run.fence)
        self._held.add(held)
        try:
            with logs.bind(organization=run.organization_id, run=run_id):
                return await self._carry(run)
        except LeaseLost:
            log.warning("run is carried elsewhere", run=run_id)
            return None
        finally:
            self._held.discard(held)

    async def _carry(self, run: Run) -> tuple[int, datetime] | None:
        try:
            script = self._script(run.playbook_version_id, run.source)
        except Exception as unusable:
            await self._give_up(run, unusable)
            return None
        segment = Segment(
            run,
            script,
            self._database,
            *self._ports(run),
            lease=self._lease,
            patience=self._patience,
            largest_file=self._largest_file,
        )
        while True:
            ending = await segment.play()
            if await segment.close(ending):
                return (run.segment, ending.wake_at) if ending.wake_at is not None else None
            await segment.look_again()

    async def _give_up(self, run: Run, unusable: Exception) -> None:
        """Fail a run whose playbook this release cannot carry: no later look would find it otherwise."""
        if isinstance(unusable, Invalid):
            reason = str(unusable)
        else:
            log.error("a playbook cannot be compiled", playbook=run.playbook_name, exc_info=unusable)
            reason = f"Internal error ({type(unusable).__name__}) in reading the playbook; see the server's log."

        def work(tx: Transaction) -> None:
            cut = [step for step in rows.steps_of(tx, run.id).values() if not step.status.final]
            for step in cut:
                step.status, step.error, step.finished_at = StepStatus.FAILED, reason, clock.now()
                step.state = step.wake_at = None
            rows.let_go(tx, run, RunStatus.FAILED, error=reason, steps=cut)

        await self._database.run(work)
