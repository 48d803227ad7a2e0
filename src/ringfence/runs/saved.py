"""Time saved: what runs that succeeded spared people, by playbook, and what that is worth to an organization.

Only runs that succeeded count, and of a run and its re-runs one; what was tried out, failed or was handled counts nothing.
Retention adds what it deletes to `time_saved`, so that nothing is lost with old runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Invalid
from ringfence.storage import Transaction
from ringfence.storage.tables import hourly_rates, playbooks, runs, time_saved

MOST_RATE: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What an hour of people's work costs; `currency` as ISO 4217 has it."""

    rate: float
    currency: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one playbook spared: `runs` succeeded and count."""

    playbook_id: str
    playbook: str
    runs: int
    minutes: float


@dataclass(frozen=True, slots=True)
class Saved:
    """What all playbooks spared since a moment; `worth` is None without a rate. The most comes first."""

    since: datetime | None
    minutes: float
    runs: int
    rate: Rate | None
    shares: tuple[Share, ...]

    @property
    def hours(self) -> float:
        """The same in hours."""
        return self.minutes / 60

    @property
    def worth(self) -> float | None:
        """What it is worth, in the currency of the rate."""
        return None if self.rate is None else round(self.hours * self.rate.rate, 2)


def summed(tx: Transaction, organization_id: str, *, since: datetime | None = None) -> Saved:
    """Add up what runs spared that ended since a moment, by days of UTC for those that are deleted already; None: ever."""
    # By playbook, since an index has what its runs spared; a playbook's runs are its organization's.
    own = (
        sa.select(
            playbooks.c.id.label("playbook_id"),
            sa.func.count().label("runs"),
            sa.func.sum(runs.c.minutes_saved).label("minutes"),
        )
        .join(runs, runs.c.playbook_id == playbooks.c.id)
        .where(playbooks.c.organization_id == organization_id, runs.c.minutes_saved.is_not(None))
        .group_by(playbooks.c.id)
    )
    gone = (
        sa.select(
            time_saved.c.playbook_id,
            sa.func.sum(time_saved.c.runs).label("runs"),
            sa.func.sum(time_saved.c.minutes).label("minutes"),
        )
        .where(time_saved.c.organization_id == organization_id)
        .group_by(time_saved.c.playbook_id)
    )
    if since is not None:
        own = own.where(runs.c.finished_at >= since)
        gone = gone.where(time_saved.c.day >= _day(since))
    names = {
        row["id"]: row["name"]
        for row in tx.all(
            sa.select(playbooks.c.id, playbooks.c.name).where(playbooks.c.organization_id == organization_id)
        )
    }
    counted: dict[str, tuple[int, float]] = {}
    for row in (*tx.all(own), *tx.all(gone)):
        many, minutes = counted.get(row["playbook_id"], (0, 0.0))
        counted[row["playbook_id"]] = many + int(row["runs"]), minutes + float(row["minutes"])
    shares = [Share(each, names[each], *counted[each]) for each in counted]
    shares.sort(key=lambda share: (-share.minutes, share.playbook))
    return Saved(
        since,
        sum(share.minutes for share in shares),
        sum(share.runs for share in shares),
        rate_of(tx, organization_id),
        tuple(shares),
    )


def lately(days: float | None) -> datetime | None:
    """Return the moment so many days ago; None for ever."""
    return None if days is None else clock.now() - timedelta(days=days)


def rate_of(tx: Transaction, organization_id: str) -> Rate | None:
    """Return what an hour costs an organization, None where nobody said."""
    row = tx.one(sa.select(hourly_rates).where(hourly_rates.c.organization_id == organization_id))
    return None if row is None else Rate(row["rate"], row["currency"])


def set_rate(tx: Transaction, organization_id: str, rate: float, currency: str, *, by: str) -> Rate:
    """Say what an hour costs; 0 forgets it, and saying the same again changes nothing.

    Invalid for an amount or a currency that cannot be.
    """
    code = currency.strip().upper()
    if not (math.isfinite(rate) and 0 <= rate <= MOST_RATE):
        raise Invalid("This cannot be an hourly rate.", advice=f"Give an amount from 0 (none) to {MOST_RATE:.0f}.")
    if not (len(code) == _CODE and code.isascii() and code.isalpha()):
        raise Invalid(f"{currency[:20]!r} is not a currency.", advice="Give its three letters: EUR, USD, GBP.")
    before = rate_of(tx, organization_id)
    if (before is None and rate == 0) or before == Rate(rate, code):
        return Rate(rate, code)
    if rate == 0:
        tx.execute(sa.delete(hourly_rates).where(hourly_rates.c.organization_id == organization_id))
    else:
        tx.upsert(hourly_rates, [{"organization_id": organization_id, "rate": rate, "currency": code}])
    tx.changed(organization_id, "hourly_rate", organization_id, "changed")
    said: dict[str, Any] = {"rate": rate, "currency": code}
    said["before"] = None if before is None else {"rate": before.rate, "currency": before.currency}
    log.write(tx, Event.HOURLY_RATE_CHANGED, organization_id, organization_id, details=said, actor=by)
    return Rate(rate, code)


_CODE: Final = 3


def keep(tx: Transaction, run_ids: Sequence[str]) -> None:
    """Add what these runs spared to `time_saved`; they are about to be deleted."""
    columns = (runs.c.organization_id, runs.c.playbook_id, runs.c.finished_at, runs.c.minutes_saved)
    found = tx.all(sa.select(*columns).where(runs.c.id.in_(run_ids), runs.c.minutes_saved.is_not(None)))
    added: dict[tuple[str, str, str], tuple[int, float]] = {}
    for row in found:
        key = (row["organization_id"], row["playbook_id"], _day(row["finished_at"]))
        many, minutes = added.get(key, (0, 0.0))
        added[key] = many + 1, minutes + row["minutes_saved"]
    for (organization_id, playbook_id, day), (many, minutes) in sorted(added.items()):
        key_row: dict[str, Any] = {"organization_id": organization_id, "playbook_id": playbook_id, "day": day}
        tx.insert_new(time_saved, [key_row | {"runs": 0, "minutes": 0.0}])
        mine = sa.and_(*(time_saved.c[name] == value for name, value in key_row.items()))
        tx.execute(
            sa.update(time_saved)
            .where(mine)
            .values(runs=time_saved.c.runs + many, minutes=time_saved.c.minutes + minutes)
        )


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
