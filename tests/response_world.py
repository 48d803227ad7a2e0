"""Responses in a containment world: asked for, answered, driven and looked at, with time that a test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from containment_world import World, a_world
from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Subject
from ringfence.responses import claims, service
from ringfence.responses.driver import Driver
from ringfence.responses.kinds import Kind
from ringfence.responses.model import Response, State
from ringfence.storage import Database
from ringfence.storage.tables import response_events

HOST = "wks-001"
SHA1 = "aabbccddeeff00112233445566778899aabbccdd"
ALLOWED: dict[str, Any] = {"responses": {"restrict": "allow", "quarantine": "allow"}}
BEACON: dict[str, Any] = {
    "indicator_value": "203.0.113.7",
    "indicator_type": "IpAddress",
    "action": "Block",
    "title": "Beacon",
    "description": "Seen at Contoso",
    "generate_alert": True,
}
MOST_ROUNDS = 200


@dataclass
class Responses:
    """A world in which responses are made."""

    world: World
    drivers: int = 0

    def request(self, kind: Kind, target: str = HOST, *, key: str | None = None, **options: Any) -> Response:
        """Ask for something, as a playbook does unless `run_id` is None."""
        values: dict[str, Any] = {"reason": "Ransomware", "requested_by": "playbook test 1"} | options
        if kind is Kind.QUARANTINE:
            values.setdefault("parameters", {"sha1": SHA1})
        if kind is Kind.INDICATORS:
            target = ""
            values.setdefault("parameters", {"indicators": [BEACON]})
        return self.world.database.run_now(
            lambda tx: service.request(
                tx,
                organization_id=self.world.organization_id,
                account_id=self.world.account_id,
                kind=kind,
                target=target,
                key=key or clock.new_id(),
                **values,
            )
        )

    def undo(self, response: Response, *, everybody: bool = True) -> Response:
        return self.world.database.run_now(
            lambda tx: service.undo(tx, response.id, by="asmith", reason="Clean", everybody=everybody)
        )

    def question(self, response: Response) -> Approval:
        found = self.world.database.read_now(lambda tx: approvals.latest_for(tx, Subject.RESPONSE, response.id))
        assert found is not None
        return found

    def answer(self, response: Response, by: str, *, yes: bool = True) -> Approval:
        asked = self.question(response)
        return self.world.database.run_now(
            lambda tx: approvals.answer(
                tx, asked.id, organization_id=self.world.organization_id, by=by, yes=yes, via="page"
            )
        )

    def look(self, response: Response) -> Response:
        return self.world.database.read_now(lambda tx: service.get(tx, response.id))

    def events(self, response: Response) -> list[sa.RowMapping]:
        query = sa.select(response_events).where(response_events.c.response_id == response.id)
        found: list[sa.RowMapping] = list(
            self.world.database.read_now(lambda tx: tx.all(query.order_by(response_events.c.id)))
        )
        return found

    def states(self, response: Response) -> list[str]:
        """Return the states that a response went through."""
        return [row["after"] for row in self.events(response) if row["before"] != row["after"]]

    def driver(self) -> Driver:
        """Make the driver of another process."""
        self.drivers += 1
        return Driver(self.world.database, self.world.clients, owner=f"responder-{self.drivers}")

    async def drive(self) -> None:
        """Drive until nothing is due."""
        for _ in range(MOST_ROUNDS):
            if not await self.driver().drive_due():
                return
        raise AssertionError("there is no end to what is due")

    def next_due(self) -> datetime | None:
        return self.world.database.read_now(claims.next_due)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, driving at each moment at which something falls due."""
        end = self.world.simulator.clock.now() + seconds
        for _ in range(MOST_ROUNDS):
            await self.drive()
            due, now = self.next_due(), self.world.simulator.clock.now()
            if due is None or due.timestamp() >= end:
                self.world.advance(end - now)
                await self.drive()
                return
            self.world.advance(max(due.timestamp() - now, 0.0) + 0.001)
        raise AssertionError("something falls due again and again")

    async def settle(self, response: Response, state: State, *, within: float = 300.0) -> Response:
        """Let time pass until a response has a state."""
        end = self.world.simulator.clock.now() + within
        while True:
            await self.drive()
            found = self.look(response)
            if found.state == state or self.world.simulator.clock.now() >= end or found.over:
                assert found.state == state, (found.state, found.detail)
                return found
            due = self.next_due()
            assert due is not None
            self.world.advance(max(due.timestamp() - self.world.simulator.clock.now(), 0) + 0.001)


@asynccontextmanager
async def responding(database: Database) -> AsyncIterator[Responses]:
    """Make a world in which restrictions and quarantines need no approval."""
    async with a_world(database) as world:
        world.set_policy(**ALLOWED)
        yield Responses(world)
