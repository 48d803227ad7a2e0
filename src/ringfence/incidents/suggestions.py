"""What might belong together: alerts that Defender itself put into one incident."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from ringfence.alerts.model import Alert
from ringfence.incidents import queue
from ringfence.incidents.model import Incident
from ringfence.storage import Transaction
from ringfence.storage.columns import not_by
from ringfence.storage.tables import accounts, alerts, incident_alerts

MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Alerts of one incident of Defender: those that are in no open incident of ours, and the incidents of the others."""

    account_id: str
    account: str
    defender_id: str
    alerts: tuple[Alert, ...]
    elsewhere: tuple[Incident, ...]


def of(tx: Transaction, incident: Incident) -> list[Suggestion]:
    """Return what might be added to an incident, by the incidents of Defender that its alerts come from."""
    mine = queue.alerts_of(tx, incident.id)
    pairs = dict.fromkeys((alert.account_id, alert.incident_id) for alert in mine if alert.incident_id)
    own = {alert.id for alert in mine}
    found = []
    for account_id, defender_id in pairs:
        assert defender_id is not None
        siblings = [
            alert
            for alert in _siblings(tx, incident.organization_id, [(account_id, defender_id)])
            if alert.id not in own
        ]
        if not siblings:
            continue
        taken = _open(tx, incident.organization_id, siblings)
        free = tuple(alert for alert in siblings if alert.id not in taken)
        others = {each.id: each for each in taken.values()}
        found.append(Suggestion(account_id, siblings[0].account, defender_id, free, tuple(others.values())))
    return found


def incidents_for(tx: Transaction, organization_id: str, wanted: Sequence[Alert]) -> list[Incident]:
    """Return the incidents not resolved that hold other alerts of the same incidents of Defender, the newest first."""
    pairs = list(dict.fromkeys((alert.account_id, alert.incident_id) for alert in wanted if alert.incident_id))
    if not pairs:
        return []
    taken = _open(tx, organization_id, _siblings(tx, organization_id, pairs))
    known = {each.id: each for each in taken.values()}
    return sorted(known.values(), key=lambda each: -each.number)


def _siblings(tx: Transaction, organization_id: str, pairs: Sequence[tuple[str, str | None]]) -> list[Alert]:
    query: sa.Select[Any] = (
        sa.select(alerts, accounts.c.name.label("account"))
        .join(accounts, accounts.c.id == alerts.c.account_id)
        .where(
            not_by(alerts.c.organization_id) == organization_id,
            sa.or_(
                *(sa.and_(alerts.c.account_id == account, alerts.c.incident_id == number) for account, number in pairs)
            ),
        )
        .order_by(not_by(alerts.c.ingested_at).desc(), alerts.c.id.desc())
        .limit(MOST)
    )
    return [Alert(**row) for row in tx.all(query)]


def _open(tx: Transaction, organization_id: str, wanted: Sequence[Alert]) -> dict[str, Incident]:
    held = sa.select(incident_alerts.c.open_alert_id).where(
        incident_alerts.c.open_alert_id.in_([alert.id for alert in wanted])
    )
    ids = [row["open_alert_id"] for row in tx.all(held)]
    known = queue.of_alerts(tx, organization_id, ids)
    return {alert_id: each[0] for alert_id, each in known.items()}
