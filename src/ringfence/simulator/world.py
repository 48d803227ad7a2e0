"""The pretend Microsoft as one object: tenants, clock, journal, faults, key, and what is due by now."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.simulator import generation, investigations, lifecycle, portal, tokens
from ringfence.simulator import scenario as scenarios
from ringfence.simulator.clock import SimulatorClock
from ringfence.simulator.faults import Faults
from ringfence.simulator.journal import Journal
from ringfence.simulator.specs import Scenario
from ringfence.simulator.tenant import App, Tenant

if TYPE_CHECKING:
    from ringfence.simulator.state import StateFile


@dataclass
class Simulator:
    """Hold the simulated world. Nothing runs in the background: `settle` applies what was due, in order of time.

    `connections` maps a client's address to the function that closes its connection; the socket server fills it.
    """

    clock: SimulatorClock
    scenario: Scenario
    seed: int = 1
    tenants: dict[str, Tenant] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    connections: dict[tuple[str, int], Callable[[], None]] = field(default_factory=dict)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    state: "StateFile | None" = None
    _key: tokens.Key | None = None
    _verifier: tokens.Verifier | None = None

    @classmethod
    def from_scenario(
        cls,
        name_or_path: str | Path = "quiet",
        *,
        speed: float = 1.0,
        frozen: bool = False,
        start: datetime | float | None = None,
        seed: int = 1,
    ) -> "Simulator":
        """Make a simulator at the start of a scenario. Raises ScenarioError."""
        clock = SimulatorClock(speed=speed, frozen=frozen, start=start)
        simulator = cls(clock, scenarios.load(name_or_path), seed)
        simulator.reset()
        return simulator

    @property
    def key(self) -> tokens.Key:
        """The signing key."""
        if self._key is None:
            self._key = tokens.process_key()
        return self._key

    @key.setter
    def key(self, key: tokens.Key) -> None:
        self._key, self._verifier = key, None

    @property
    def verifier(self) -> tokens.Verifier:
        """What checks the tokens that were signed with the key."""
        if self._verifier is None:
            self._verifier = tokens.Verifier(self.key)
        return self._verifier

    def reset(self, scenario: Scenario | None = None) -> None:
        """Begin a scenario at this moment: its tenants as new, no journal, no faults."""
        self.scenario = scenario or self.scenario
        self.clock.restart_scenario()
        now = self.clock.now()
        made = [Tenant.from_spec(spec, self.seed, now) for spec in self.scenario.tenants]
        self.tenants = {tenant.id.lower(): tenant for tenant in made}
        self.journal.clear()
        self.faults.clear()
        self.faults.plan(self.scenario.faults)
        for tenant in made:
            generation.backlog(tenant, now)
        if self.state is not None:
            self.state.start_over()

    def find_tenant(self, text: str, *, by_name: bool = True) -> Tenant | None:
        """Return the tenant of that id, verified domain or, if wanted, name."""
        lowered = text.lower()
        found = self.tenants.get(lowered)
        if found is not None:
            return found
        for tenant in self.tenants.values():
            names = [*tenant.domains, *([tenant.name] if by_name else [])]
            if lowered in (name.lower() for name in names):
                return tenant
        return None

    def find_app(self, client_id: str) -> tuple[Tenant, App] | None:
        """Return the app of that client id and its tenant."""
        for tenant in self.tenants.values():
            app = tenant.apps.get(client_id.lower())
            if app is not None:
                return tenant, app
        return None

    def settle(self) -> None:
        """Let happen whatever was due by now: scenario events and steps of machine actions, each at its moment."""
        now = self.clock.now()
        while True:
            steps = [step for tenant in self.tenants.values() for step in self._due(tenant)]
            if self.faults.waiting:
                steps.append((self.clock.due(self.faults.waiting[0].at), self._begin_fault))
            at, step = min(steps, key=lambda pair: pair[0], default=(now + 1, _nothing))
            if at > now:
                return
            step()

    def _due(self, tenant: Tenant) -> list[tuple[float, Callable[[], None]]]:
        steps: list[tuple[float, Callable[[], None]]] = []
        if tenant.played < len(tenant.events):
            at = self.clock.due(tenant.events[tenant.played].at)
            steps.append((at, lambda: self._play(tenant, at)))
        if tenant.withheld:
            shown, record = min(tenant.withheld.values(), key=lambda pair: pair[0])
            steps.append((shown, lambda: tenant.keep_alert(record)))
        following = generation.following(tenant)
        if following is not None:
            offset, part = following
            due = self.clock.due(offset)
            steps.append((due, lambda: generation.raise_next(tenant, part, due)))
        ending = investigations.earliest(tenant)
        if ending is not None:
            ends_at, item = ending
            steps.append((ends_at, lambda: investigations.end(tenant, item, ends_at)))
        move = lifecycle.earliest(tenant)
        if move is not None:
            moment, action = move
            steps.append((moment, lambda: lifecycle.move_on(tenant, action, self.clock, moment)))
        return steps

    def _begin_fault(self) -> None:
        fault = self.faults.begin()
        if fault.lasting is not None:
            fault.ends_at = self.clock.due(fault.at + fault.lasting)

    def _play(self, tenant: Tenant, at: float) -> None:
        event = tenant.events[tenant.played]
        tenant.played += 1
        tenant.touch()
        portal.play(tenant, event, self.clock, at)

    def save(self) -> None:
        """Write what changed to the state file, if there is one."""
        if self.state is not None:
            self.state.save(self)
        self.journal.unsaved.clear()


def _nothing() -> None:
    """Do nothing: the step when none is due."""
