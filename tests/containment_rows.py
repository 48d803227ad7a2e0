"""An organization with an account whose containments are rows only, and a clock that stands still, for tests."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.containment import claims, service
from ringfence.containment.model import Containment, State
from ringfence.storage import Database
from ringfence.storage.tables import changes, containment_holds

MACHINE = "a" * 40
START = 1_790_000_000.0


@dataclass
class Rows:
    """An organization with an account, and a clock that stands still."""

    database: Database
    organization_id: str
    account_id: str
    time: float = START

    def request(self, target: str = MACHINE, *, key: str | None = None, **options: Any) -> Containment:
        values: dict[str, Any] = {"account_id": self.account_id, "reason": "Ransomware", "requested_by": "a playbook"}
        values |= {"organization_id": self.organization_id, "target": target, "key": key or clock.new_id()}
        return self.database.run_now(lambda tx: service.request(tx, **(values | options)))

    def let_go(self, containment: Containment, prefix: str | None = None) -> Containment:
        return self.database.run_now(
            lambda tx: service.let_go(tx, containment.id, by="asmith", reason="Clean", holder_prefix=prefix)
        )

    def claim(self, owner: str = "worker") -> list[Containment]:
        return self.database.run_now(lambda tx: claims.claim_due(tx, owner=owner))

    def move(self, containment: Containment, *states: State, **columns: Any) -> Containment:
        for state in states:
            before = containment
            containment = self.database.run_now(lambda tx: claims.move(tx, before, state, "Because.", **columns))  # noqa: B023
        return containment

    def rest(self, containment: Containment, seconds: float, detail: str | None = None) -> None:
        until = clock.now() + timedelta(seconds=seconds)
        self.database.run_now(lambda tx: claims.rest(tx, containment, until=until, detail=detail))

    def look(self, containment: Containment) -> Containment:
        return self.database.read_now(lambda tx: service.get(tx, containment.id))

    def held(self, *, ends_in: float | None = None, **options: Any) -> Containment:
        """Contain the machine, with a timer that has so many seconds left."""
        self.request(**options)
        ends = None if ends_in is None else clock.now() + timedelta(seconds=ends_in)
        sent = self.move(self.claim()[0], State.APPROVED, State.SUBMITTING, State.PENDING)
        return self.move(sent, State.CONTAINED, confirmed_at=clock.now(), auto_release_at=ends)

    def holders(self, containment: Containment) -> set[str]:
        holds = containment_holds.c
        query = sa.select(holds.holder).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
        return {row["holder"] for row in self.database.read_now(lambda tx: tx.all(query))}

    def kinds(self) -> list[str]:
        query = sa.select(changes.c.kind).where(changes.c.noun == "containment").order_by(changes.c.id)
        return [row["kind"] for row in self.database.read_now(lambda tx: tx.all(query))]


def rows_in(database: Database) -> Rows:
    organization_id = an_organization(database, f"Contoso {clock.new_id()}")
    made = Rows(database, organization_id, a_stored_account(database, organization_id).id)
    clock.replace(lambda: made.time)
    return made
