"""Carry a run one segment forward: take it, do every step that is ready, write what happened, park what waits, let go."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from ringfence import clock, logs
from ringfence.actions import ContainmentPort, DefenderPort
from ringfence.actions.catalogue import Catalogue
from ringfence.errors import Invalid, LeaseLost
from ringfence.playbooks import document, surroundings
from ringfence.playbooks.calls import calls
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import rows
from ringfence.runs.attachments import LARGEST
from ringfence.runs.examining import Examiner
from ringfence.runs.limits import admit
from ringfence.runs.model import Run, RunStatus
from ringfence.runs.outside import Outside
from ringfence.runs.script import Script
from ringfence.runs.segment import Segment
from ringfence.storage import Database, Transaction, turns

log = logs.get(__name__)

_MOST_SCRIPTS = 256

Ports = Callable[[Run], tuple[DefenderPort, ContainmentPort]]


class Runner:
    """Carries runs for one worker, which `owner` names; `lease` is in seconds.

    `patience` is how often, in seconds, a run looks for steps that were made due while others of its steps are at work.
    `largest_file`, in bytes, bounds what a step may keep. Without `outside`, steps call no services.
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
        outside: Outside | None = None,
    ) -> None:
        self._outside = outside
        self._largest_file = largest_file
        self._patience = patience
        self._database = database
        self._catalogue = catalogue
        self._ports = ports
        self._owner = owner
        self._lease = lease
        self._held: set[tuple[str, int]] = set()
        self._scripts: OrderedDict[str, Script] = OrderedDict()
        self._examiner = Examiner(database, catalogue)

    @property
    def carrying(self) -> set[str]:
        """The runs that are being carried at this moment."""
        return {run_id for run_id, _ in self._held}

    async def _script(self, run: Run) -> Script:
        """Compile a version once, with the components that it calls: none of these ever changes."""
        known = self._scripts.get(run.playbook_version_id)
        if known is None:
            known = await self._compile(run)
            self._scripts[run.playbook_version_id] = known
            if len(self._scripts) > _MOST_SCRIPTS:
                self._scripts.popitem(last=False)
        else:
            self._scripts.move_to_end(run.playbook_version_id)
        return known

    async def _compile(self, run: Run) -> Script:
        found = document.read(run.source)
        if found.playbook is None:
            raise Invalid(
                "This version of the playbook cannot be read by this release.",
                advice="Publish it again after `ringfence playbook check`.",
            )
        playbook, components = found.playbook, {}
        if any(calls(playbook)):
            components = await self._database.read(
                lambda tx: surroundings.components(tx, run.organization_id, playbook)
            )
        plan = compile_whole(playbook, self._catalogue, components)
        return Script.of(plan, self._catalogue)

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
            script = await self._script(run)
        except Exception as unusable:
            await self._give_up(run, unusable)
            return None
        # Before the rest of what a hundred other runs do: whom this one contains is still connected.
        with turns.patience(turns.SOON if script.contains and not run.resumed else turns.ORDINARY):
            return await self._play(run, script)

    async def _play(self, run: Run, script: Script) -> tuple[int, datetime] | None:
        limits = script.plan.limits
        if limits is not None and not await self._database.run(lambda tx: admit(tx, run, limits)):
            return None
        segment = Segment(
            run,
            script,
            self._database,
            *self._ports(run),
            lease=self._lease,
            patience=self._patience,
            largest_file=self._largest_file,
            outside=self._outside,
            lines=[] if run.resumed else await self._examiner.lines(run),
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
            cut = [step for step in rows.every_step(tx, run.id) if not step.status.final]
            for step in cut:
                step.status, step.error, step.finished_at = StepStatus.FAILED, reason, clock.now()
                step.state = step.wake_at = None
            rows.let_go(tx, run, RunStatus.FAILED, error=reason, steps=cut)

        await self._database.run(work)
