"""All organizations side by side, for who works for several: what is open in each, and what fails. One query for each column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import budgets
from ringfence.accounts.budgets import Budget
from ringfence.accounts.model import AccountState
from ringfence.containment.model import HELD
from ringfence.containment.times import Spread, spread
from ringfence.organizations.members import Place
from ringfence.runs.model import RunStatus
from ringfence.services.model import ServiceState
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts, alerts, containments, runs, trigger_services

DAYS: Final = 30
"""Of so many days the time to contain is told."""
SEVERITIES: Final = ("High", "Medium", "Low", "Informational")
OPEN: Final = ("New", "InProgress")
MOST: Final = 50_000
_NONE: Final = Spread(0)
_FAILED: Final = (RunStatus.FAILED.value, RunStatus.PARTLY_FAILED.value)
_SERVICES: Final = (ServiceState.DEGRADED.value, ServiceState.FAILED.value)
_ACCOUNTS: Final = (AccountState.DEGRADED.value, AccountState.FAILED.value)


@dataclass(frozen=True, slots=True)
class Line:
    """One organization: open alerts by severity, hosts that are isolated and since when the oldest is, how long containing
    took, services and accounts that need somebody, runs that failed within a day, and the tightest budget of calls.
    """

    place: Place
    alerts: Mapping[str, int] = field(default_factory=dict)
    isolated: int = 0
    oldest: datetime | None = None
    contain: Spread = _NONE
    services: int = 0
    accounts: int = 0
    failed: int = 0
    budget: Budget | None = None

    @property
    def budget_left(self) -> int | None:
        """How many of a hundred calls are left, 0 while Microsoft lets none through; None where nothing is called."""
        if self.budget is None:
            return None
        spent = self.budget.calls if self.budget.closed_until else self.budget.spent
        return max(0, 100 - 100 * spent // self.budget.calls)


def lines(tx: Transaction, places: Sequence[Place]) -> list[Line]:
    """Return a line for each of some organizations, in their order; who asks says which they may see."""
    ids = [each.organization.id for each in places]
    severities, held, times = _alerts(tx, ids), _held(tx, ids), _times(tx, ids)
    services = _count(tx, trigger_services, ids, trigger_services.c.enabled, trigger_services.c.state.in_(_SERVICES))
    broken = _count(tx, accounts, ids, accounts.c.state.in_(_ACCOUNTS))
    recent = runs.c.requested_at > clock.now() - timedelta(days=1)
    failed = _count(tx, runs, ids, runs.c.status.in_(_FAILED), recent)
    tight = _budgets(tx, ids)
    return [
        Line(
            place=place,
            alerts=severities.get(each, {}),
            isolated=held.get(each, (0, None))[0],
            oldest=held.get(each, (0, None))[1],
            contain=spread(times.get(each, ())),
            services=services.get(each, 0),
            accounts=broken.get(each, 0),
            failed=failed.get(each, 0),
            budget=tight.get(each),
        )
        for place, each in zip(places, ids, strict=True)
    ]


def _count(tx: Transaction, table: sa.Table, ids: Sequence[str], *conditions: sa.ColumnElement[bool]) -> dict[str, int]:
    owner = table.c.organization_id
    query = sa.select(owner, sa.func.count().label("many")).where(owner.in_(ids), *conditions).group_by(owner)
    return {row["organization_id"]: row["many"] for row in tx.all(query)}


def _alerts(tx: Transaction, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    of = alerts.c
    query = (
        sa.select(of.organization_id, of.severity, sa.func.count().label("many"))
        .where(of.organization_id.in_(ids), of.status.in_(OPEN))
        # By the status too, as the index has them: nothing needs to be sorted.
        .group_by(of.organization_id, of.status, of.severity)
    )
    found: dict[str, dict[str, int]] = {}
    for row in tx.all(query):
        severities = found.setdefault(row["organization_id"], {})
        severities[row["severity"]] = severities.get(row["severity"], 0) + row["many"]
    return found


def _held(tx: Transaction, ids: Sequence[str]) -> dict[str, tuple[int, datetime | None]]:
    of = containments.c
    query = (
        sa.select(of.organization_id, sa.func.count().label("many"), sa.func.min(of.confirmed_at).label("oldest"))
        # What joined another containment is of the same host.
        .where(of.organization_id.in_(ids), of.state.in_([each.value for each in HELD]), of.joined_id.is_(None))
        .group_by(of.organization_id)
    )
    return {row["organization_id"]: (row["many"], row["oldest"]) for row in tx.all(query)}


def _times(tx: Transaction, ids: Sequence[str]) -> dict[str, list[timedelta]]:
    of, since = containments.c, clock.now() - timedelta(days=DAYS)
    # By account, as the index has them.
    own = sa.select(accounts.c.id).where(accounts.c.organization_id.in_(ids))
    query = (
        sa.select(of.organization_id, of.requested_at, of.confirmed_at)
        .where(of.account_id.in_(own), of.joined_id.is_(None), of.confirmed_at >= since)
        .order_by(of.confirmed_at.desc())
        .limit(MOST)
    )
    found: dict[str, list[timedelta]] = {}
    for row in tx.all(query):
        took = max(row["confirmed_at"] - row["requested_at"], timedelta())
        found.setdefault(row["organization_id"], []).append(took)
    return found


def _budgets(tx: Transaction, ids: Sequence[str]) -> dict[str, Budget]:
    of = accounts.c
    query = sa.select(of.organization_id, of.tenant_id, of.client_id).where(
        of.organization_id.in_(ids), of.state != AccountState.DISABLED.value
    )
    rows = tx.all(query)
    left = budgets.left_of(tx, {(row["tenant_id"], row["client_id"]) for row in rows})
    found: dict[str, list[Budget]] = {}
    for row in rows:
        found.setdefault(row["organization_id"], []).extend(left[row["tenant_id"], row["client_id"]])
    return {each: max(windows, key=_tightness) for each, windows in found.items() if windows}


def _tightness(window: Budget) -> tuple[bool, float]:
    return window.closed_until is not None, window.spent / window.calls
