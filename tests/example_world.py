"""A tenant in which the example of every action can be carried out, with the roles that the action names and no others."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from containment_world import ADDRESS, World, a_world
from port_world import run_of
from ringfence import clock
from ringfence.actions import Action, Json, Result, Wait
from ringfence.actions.catalogue import Catalogue
from ringfence.approvals import service as approvals
from ringfence.defender import ClientSecret, Cloud, DefenderClient, DefenderError, RetryPolicy
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.document import read
from ringfence.playbooks.schedule import StepStatus
from ringfence.responses.driver import Driver
from ringfence.runs.attachments import Files
from ringfence.runs.context import StepContext, document_of, trigger_of
from ringfence.runs.door import Defender
from ringfence.runs.model import Run, StepRun
from ringfence.runs.ports import Containments
from ringfence.runs.responding import Responses
from ringfence.simulator import investigations, portal
from ringfence.simulator.specs import DEFAULT_ROLES, AlertSpec
from ringfence.storage import Database, Transaction

SHA1 = "aabbccddeeff00112233445566778899aabbccdd"
_LONGEST = 200


class Roles:
    """A ClientSource whose clients sign in anew when the roles of the application change."""

    def __init__(self, world: World, stack: AsyncExitStack) -> None:
        self._world = world
        self._stack = stack
        self._client: DefenderClient | None = None
        self.called: list[str] = []

    def grant(self, roles: tuple[str, ...]) -> None:
        """Let the application have these roles from now on."""
        self._world.app.roles[:] = roles
        self._client = None
        self.called.clear()

    async def get(self, account_id: str) -> DefenderClient:
        """Give a client that is signed in with the present roles."""
        if self._client is None:
            app = self._world.app
            client = DefenderClient(
                Cloud.simulator(ADDRESS),
                self._world.tenant.id,
                ClientSecret(app.client_id, app.secrets[0].value),
                transport=self._world.wire,
                retry=RetryPolicy(attempts=1),
                observer=lambda call: self.called.append(call.operation),
            )
            self._client = await self._stack.enter_async_context(client)
        return self._client

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Take note of nothing."""
        return False


@dataclass
class Player:
    """Carries out the steps of an example, one after the other, through the real ports."""

    world: World
    roles: Roles
    run: Run
    done: dict[str, StepRun] = field(default_factory=dict)
    plays: int = 0

    async def play(
        self, action: Action, catalogue: Catalogue, roles: tuple[str, ...], known: Mapping[str, Json] | None = None
    ) -> Result:
        """Carry out an action's example: its own step with these roles, what prepares it with all.

        `known` are inputs in the place of those of the example.
        """
        self.done.clear()
        self.plays += 1
        source = example(action.example, trigger="{type: defender.alert, account: contoso}")
        playbook = read(source).playbook
        assert playbook is not None
        plan = compile_playbook(playbook, catalogue)
        answer: Result | None = None
        for name in playbook.steps:
            planned = plan.by_name[name]
            used = catalogue.find(planned.action)
            assert used is not None
            self.roles.grant(roles if used is action else DEFAULT_ROLES)
            inputs = planned.inputs(document_of(self.run, trigger_of(self.run), self.done))
            answer = await self._call(used, name, inputs | dict(known or {}) if used is action else inputs)
            self.done[name] = StepRun(self.run.id, name, 0, used.id, StepStatus.SUCCEEDED, output=answer.output)
            if used is action:
                return answer
        raise AssertionError("The example does not use its action.")

    async def _call(self, action: Action, name: str, inputs: Mapping[str, Json]) -> Result:
        # A step of its own each time: with the key of one that failed the same failure would be found again.
        step = StepRun(self.run.id, name, 0, action.id, iteration=self.plays)
        document = document_of(self.run, trigger_of(self.run), self.done)
        context = StepContext(
            self.run,
            step,
            trigger_of(self.run),
            document,
            Defender(self.run, self.roles, responses=self._responses()),
            Containments(self.run, self.world.database, deadline=4 * 3600.0),
            "info",
            Files(self.world.database, 10_000_000),
        )
        for _ in range(_LONGEST):
            answer = await action.call(context, inputs)
            if isinstance(answer, Result):
                return answer
            step.state = answer.state
            await self._pass(answer)
        raise AssertionError("There is no end to the waiting.")

    def _responses(self) -> Responses:
        return Responses(
            self.world.database, self.run.organization_id, self.run.account_id, "playbook test", 3_600.0, self.run.id
        )

    async def _pass(self, wait: Wait) -> None:
        await self._drive()
        # What is told of by a topic is looked at soon, so that what goes on is met on its way.
        until = min(wait.until or clock.now(), clock.now() + timedelta(seconds=1 if wait.topics else 3_600))
        self.world.advance(max((until - clock.now()).total_seconds(), 0.0) + 0.1)
        await self._drive()

    async def _drive(self) -> None:
        """Do what a worker does, and say yes as two people do to whatever is asked."""
        await self.world.drive()
        for _ in range(_LONGEST):
            self.world.database.run_now(self._approve)
            if not await Driver(self.world.database, self.roles, owner=clock.new_id()).drive_due():
                return

    def _approve(self, tx: Transaction) -> None:
        for asked in approvals.listed(tx, self.run.organization_id):
            for person in ("bjones", "ckhan")[: asked.question.needed]:
                organization_id = self.run.organization_id
                approvals.answer(tx, asked.id, organization_id=organization_id, by=person, yes=True, via="page")


@asynccontextmanager
async def a_player(database: Database) -> AsyncIterator[Player]:
    """Set a tenant up in which a machine has an alert, a scan and an investigation, and a run that the alert started."""
    async with a_world(database) as world, AsyncExitStack() as stack:
        now = world.simulator.clock.now()
        evidence: list[dict[str, str | int | None]] = [
            {"entityType": "File", "fileName": "locker.exe", "sha1": SHA1},
            {"entityType": "Ip", "ipAddress": "203.0.113.7"},
            {"entityType": "Url", "url": "https://beacon.fabrikam.com/x"},
        ]
        spec = AlertSpec(machine="wks-001", title="Ransomware", severity="High", user="asmith", evidence=evidence)
        alert_id = portal.raise_alert(world.tenant, spec, now)
        world.portal("wks-001", "RunAntiVirusScan")
        investigations.start(
            world.tenant, world.machine("wks-001"), world.tenant.alerts[alert_id], world.simulator.clock, now
        )
        world.advance(60)
        alert = dict(world.tenant.alerts[alert_id].document)
        alert["lastEventTime"] = datetime.fromtimestamp(now, UTC).isoformat()
        run = replace(run_of(world), alert_id=None, alert=alert, trigger={"change": "created"})
        yield Player(world, Roles(world, stack), run)
