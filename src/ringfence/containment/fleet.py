"""How many hosts an organization has: counted at most once an hour for each account, and only where policy asks for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.accounts.model import USABLE
from ringfence.containment import policies
from ringfence.defender import DefenderClient, DefenderError, Priority, priority
from ringfence.defender.odata import eq
from ringfence.errors import RingfenceError
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, fleets

log = logs.get(__name__)

COUNTED_EVERY = timedelta(hours=1)
TRIED_EVERY = timedelta(minutes=5)
KNOWN_FOR = timedelta(hours=24)
"""After this time without a count the size of a fleet is not known, and policy asks a person."""

_NEVER = datetime.fromtimestamp(0, UTC)
_PAGE = 10_000
_LOOK = 15.0


class Source(Protocol):
    """Gives the client of an account."""

    async def get(self, account_id: str) -> DefenderClient:
        """Return the client; raise Unavailable while the account has no proven credential."""

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Take note of a failure; returns whether it speaks of the credential, which is then not used until proven."""


def size(tx: Transaction, organization_id: str) -> int | None:
    """Return how many hosts are onboarded in all accounts of an organization; None if one was not counted within a day."""
    joined = accounts.join(fleets, fleets.c.account_id == accounts.c.id, isouter=True)
    mine = (accounts.c.organization_id == organization_id, accounts.c.state != "disabled")
    rows = tx.all(sa.select(fleets.c.onboarded, fleets.c.counted_at).select_from(joined).where(*mine))
    since = clock.now() - KNOWN_FOR
    total = 0
    for row in rows:
        if row["onboarded"] is None or row["counted_at"] is None or row["counted_at"] < since:
            return None
        total += int(row["onboarded"])
    return total if rows else None


def due(tx: Transaction) -> list[str]:
    """Take the accounts whose fleets are to be counted now, so that nobody else counts them at the same time."""
    now = clock.now()
    rows = tx.all(
        sa.select(accounts.c.id, accounts.c.organization_id, fleets.c.counted_at, fleets.c.tried_at)
        .select_from(accounts.join(fleets, fleets.c.account_id == accounts.c.id, isouter=True))
        .where(accounts.c.state.in_(sorted(USABLE)))
        .order_by(accounts.c.id)
    )
    asking = {each: _asks(tx, each) for each in {row["organization_id"] for row in rows}}
    wanted = [row for row in rows if asking[row["organization_id"]]]
    tx.insert_new(fleets, [{"account_id": row["id"], "tried_at": _NEVER} for row in wanted if row["tried_at"] is None])
    taken: list[str] = []
    for row in wanted:
        counted, tried = row["counted_at"], row["tried_at"] or _NEVER
        if tried > now - TRIED_EVERY or (counted is not None and counted > now - COUNTED_EVERY):
            continue
        mine = sa.update(fleets).where(fleets.c.account_id == row["id"], fleets.c.tried_at == tried)
        if tx.execute(mine.values(tried_at=now)).rowcount:
            taken.append(row["id"])
    return taken


def _asks(tx: Transaction, organization_id: str) -> bool:
    groups = [None, *policies.groups(tx, organization_id)]
    standing = (policies.standing(tx, organization_id, each) for each in groups)
    return any(each.effective.policy.max_share_of_fleet is not None for each in standing)


class FleetCounter:
    """Counts what is due, at the lowest priority of the call budget."""

    def __init__(self, database: Database, clients: Source) -> None:
        self._database = database
        self._clients = clients

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Count until `stop`."""
        while not stop.is_set():
            try:
                await self.count_due()
            except Exception:
                log.exception("the fleets could not be counted; it is tried again")
            try:
                await asyncio.wait_for(stop.wait(), _LOOK)
            except TimeoutError:
                continue

    async def count_due(self) -> int:
        """Count the fleets that are due, and return how many these were."""
        taken = await self._database.run(due)
        for account_id in taken:
            await self._count(account_id)
        return len(taken)

    async def _count(self, account_id: str) -> None:
        try:
            client = await self._clients.get(account_id)
            with priority(Priority.ENRICH):
                listed = client.list_machines(filter=eq("onboardingStatus", "Onboarded"), top=_PAGE)
                hosts = {each.id.lower() async for each in listed if not each.merged_into_machine_id}
        except (DefenderError, RingfenceError) as error:
            fault = error
            if isinstance(error, DefenderError):
                await self._clients.report(account_id, error)
            log.warning("a fleet could not be counted", account=account_id, error=str(error))
            await self._database.run(lambda tx: _note(tx, account_id, problem=str(fault)[:500]))
            return
        counted = {"onboarded": len(hosts), "counted_at": clock.now(), "problem": ""}
        await self._database.run(lambda tx: _note(tx, account_id, **counted))


def _note(tx: Transaction, account_id: str, **values: object) -> None:
    tx.execute(sa.update(fleets).where(fleets.c.account_id == account_id).values(**values))
