"""Reconcile what we want with what Defender did: one list call for each tenant and round, and the table that it leads to.

Nothing is done to a machine here, whatever is found: what others did is shown with its owner, and a difference is reported.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.accounts.model import USABLE
from ringfence.containment import isolations, rounds, timers
from ringfence.containment.driver import ClientSource
from ringfence.containment.history import of_isolation
from ringfence.containment.isolations import Known
from ringfence.containment.observed import Seen, carry_on
from ringfence.defender import DefenderClient, Priority, priority
from ringfence.defender.errors import DefenderError
from ringfence.defender.odata import one_of
from ringfence.errors import RingfenceError, Unavailable
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, organizations

log = logs.get(__name__)

# Defender keeps machine actions for half a year.
HISTORY: Final = timedelta(days=180)
# Clocks differ, and an action may show up in the list later than it was made.
_MARGIN: Final = timedelta(hours=1)
_LOOK: Final = 15.0
# So many ids fit into one address, and so many lists are asked for in one round.
_IDS: Final = 40
_LISTS: Final = 5
# A sign of life is looked for so many times within the time that it may take.
_LOOKS: Final = 6


class Reconciler:
    """Keeps, for every connected tenant, how each machine stands that was isolated lately.

    `interval` is seconds between two rounds of a tenant; `sign_of_life` seconds within which Defender must hear of an
    isolated device; `warn_before` seconds before a timer lets a host go, 0 warns nobody.
    """

    def __init__(
        self,
        database: Database,
        clients: ClientSource,
        *,
        interval: float = 60.0,
        sign_of_life: float = 26 * 3600.0,
        warn_before: float = 1800.0,
    ) -> None:
        self._database = database
        self._clients = clients
        self._interval = timedelta(seconds=interval)
        self._sign_of_life = timedelta(seconds=sign_of_life)
        self._warn_before = warn_before

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Warn of timers that are about to run out, and reconcile each tenant when it is due, until `stop` is set."""
        while not stop.is_set():
            try:
                await self._database.run(lambda tx: timers.warn(tx, before=self._warn_before))
                await self.reconcile_due()
            except Exception:
                # Whatever it was, the next look begins anew.
                log.exception("what Defender did could not be compared with what is wanted")
            try:
                await asyncio.wait_for(stop.wait(), min(_LOOK, self._interval.total_seconds()))
            except TimeoutError:
                continue

    async def reconcile_due(self) -> int:
        """Reconcile the tenants that are due and that no other worker has taken; return how many those were."""
        due = await self._database.read(_tenants)
        done = 0
        for organization_id, account_id in due:
            if await self._database.run(lambda tx, id_=account_id: isolations.claim(tx, id_, interval=self._interval)):  # type: ignore[misc]
                done += 1
                with logs.bind(organization=organization_id, account=account_id):
                    await self._reconcile(organization_id, account_id)
        return done

    async def _reconcile(self, organization_id: str, account_id: str) -> None:
        try:
            client = await self._clients.get(account_id)
            began = clock.now()
            known = await self._database.read(lambda tx: isolations.known(tx, organization_id, account_id))
            seen = await _look(client, known, began)
            heard = await self._listen(client, known, seen, began)
        except DefenderError as error:
            await self._clients.report(account_id, error)
            said = f"{error.message or error.code} {error.advice}".strip()
        except RingfenceError as error:
            said = str(error)
        else:
            await self._database.run(
                lambda tx: isolations.keep(
                    tx, organization_id, account_id, seen, heard, read_at=began, patience=self._sign_of_life
                )
            )
            return
        log.warning("the actions of a tenant could not be read", error=said)
        await self._database.run(lambda tx: isolations.failed(tx, account_id, said))

    async def _listen(
        self, client: DefenderClient, known: Known, seen: dict[str, Seen], now: datetime
    ) -> dict[str, datetime | None]:
        """Ask when Defender last heard of isolated machines, those first that were not asked about for the longest time."""
        stale = now - self._sign_of_life / _LOOKS
        asked = {each.machine_id: known.heard_read_at.get(each.machine_id) for each in seen.values() if each.isolated}
        due = sorted((at is not None, at, id_) for id_, at in asked.items() if at is None or at <= stale)
        found: dict[str, datetime | None] = {}
        try:
            with priority(Priority.ENRICH):
                for start in range(0, min(len(due), _IDS * _LISTS), _IDS):
                    ids = [id_ for _, _, id_ in due[start : start + _IDS]]
                    found |= dict.fromkeys(ids)
                    async for machine in client.list_machines(filter=one_of("id", ids)):
                        if machine.id.lower() in found:
                            found[machine.id.lower()] = machine.last_seen
        except DefenderError as error:
            # It can wait; how the machines stand cannot.
            log.info("signs of life were not looked for", error=str(error))
            return {}
        return found


def _tenants(tx: Transaction) -> list[tuple[str, str]]:
    """Return one working account for each tenant of an organization: the one that contains, else the oldest."""
    found = tx.all(
        sa.select(accounts.c.id, accounts.c.organization_id, accounts.c.cloud, accounts.c.tenant_id)
        .join(organizations, organizations.c.id == accounts.c.organization_id)
        .where(accounts.c.state.in_(sorted(USABLE)))
        .order_by(accounts.c.sensor, accounts.c.created_at.desc(), accounts.c.id.desc())
    )
    chosen = {(row["organization_id"], row["cloud"], row["tenant_id"].casefold()): row["id"] for row in found}
    return sorted((key[0], account_id) for key, account_id in chosen.items())


async def _look(client: DefenderClient, known: Known, now: datetime) -> dict[str, Seen]:
    """Read what is new of all machines by one list call, and return how all known ones stand."""
    since = (known.read_at or now - HISTORY) - _MARGIN
    if known.open_since is not None:
        since = min(since, known.open_since - _MARGIN)
    listed = await rounds.read(client, since)
    if not listed.complete:
        raise Unavailable(
            "Defender's list of machine actions could not be read to its end.",
            advice="What was seen before is shown until it can.",
        )
    machines = sorted({(action.machine_id or "").lower() for action in listed.actions.values()} - {""})
    found = dict(known.seen)
    for machine_id in machines:
        found[machine_id] = carry_on(_of(found, machine_id), of_isolation(listed.actions.values(), machine_id))
    return found


def _of(found: dict[str, Seen], machine_id: str) -> Seen:
    return found.get(machine_id) or Seen(machine_id)
