"""The stored alerts that a backtest goes over, and what is known of hosts: read in one transaction, in the order of arrival."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from typing import Any, Final

import sqlalchemy as sa

from ringfence.alerts.source import common_form
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing
from ringfence.containment import fleet, incident_hosts, policies
from ringfence.containment.policy import Policy
from ringfence.services import records as services
from ringfence.services.model import Service
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts, alert_versions, alerts, containments, playbooks, runs

_CHUNK: Final = 500
_NEWEST: Final = 200
_NAMED: Final = ("severity", "status", "category")


@dataclass(frozen=True, slots=True)
class Mention:
    """One version of an alert, without its document; `alert_id` is our id, `name` Defender's.

    `named` has what is kept of the document beside it, where this is the alert's present version.
    """

    alert_id: str
    version: int
    seen_at: datetime
    standing: Standing
    changes: tuple[Change, ...]
    account_id: str
    account: str
    name: str
    title: str
    named: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Document:
    """The document of a version as it came, and in the form that all sources share."""

    source: str
    raw: Mapping[str, Any]
    form: Mapping[str, Any]


class Past:
    """What an organization has stored; works inside the caller's transaction."""

    def __init__(self, tx: Transaction, organization_id: str) -> None:
        self._tx = tx
        self._organization_id = organization_id
        self._services: dict[str, list[Service]] = {}
        self._policies: dict[str | None, Policy] = {}

    def versions(self, since: datetime) -> list[Mention]:
        """Return the versions that arrived since a moment, the oldest first."""
        version = alert_versions.c
        query = (
            sa.select(
                version.alert_id,
                version.version,
                version.seen_at,
                version.standing,
                version.transitions,
                alerts.c.account_id,
                accounts.c.name.label("account"),
                alerts.c.alert_id.label("name"),
                alerts.c.title,
                alerts.c.version.label("present"),
                alerts.c.severity,
                alerts.c.status,
                alerts.c.category,
            )
            .join(alerts, alerts.c.id == version.alert_id)
            .join(accounts, accounts.c.id == alerts.c.account_id)
            .where(alerts.c.organization_id == self._organization_id, version.seen_at >= since)
            .order_by(version.seen_at, version.alert_id, version.version)
        )
        return [
            Mention(
                row["alert_id"],
                row["version"],
                row["seen_at"],
                Standing(row["standing"]),
                _changes(row["transitions"], row["version"]),
                row["account_id"],
                row["account"],
                row["name"],
                row["title"],
                {name: row[name] for name in _NAMED} if row["version"] == row["present"] else None,
            )
            for row in self._tx.all(query)
        ]

    def documents(self, mentions: Sequence[Mention]) -> Iterator[tuple[Mention, Document]]:
        """Yield the versions with their documents, in the same order."""
        version = alert_versions.c
        for at in range(0, len(mentions), _CHUNK):
            some = mentions[at : at + _CHUNK]
            # By the id alone: SQLite finds no index for pairs.
            numbers = {each.version for each in some}
            query = sa.select(version.alert_id, version.version, version.source, version.raw).where(
                version.alert_id.in_(sorted({each.alert_id for each in some})), version.version.in_(sorted(numbers))
            )
            found = {(row["alert_id"], row["version"]): row for row in self._tx.all(query)}
            for each in some:
                row = found.get((each.alert_id, each.version))
                if row is not None:
                    raw = json.loads(row["raw"])
                    yield each, Document(row["source"], raw, common_form(row["source"], raw))

    def services(self, mention: Mention) -> tuple[str, ...]:
        """Name the services that would pass a version on, on or off; an account without any counts as one of its own name."""
        known = self._services.get(mention.account_id)
        if known is None:
            known = self._services[mention.account_id] = services.of_account(self._tx, mention.account_id)
        if not known:
            return (mention.account,)
        created = Change.CREATED in mention.changes
        return tuple(each.name for each in known if created or each.updates)

    def policy(self, device_group: str | None) -> Policy:
        """Return the policy that counts now for a device group."""
        if device_group not in self._policies:
            standing = policies.standing(self._tx, self._organization_id, device_group)
            self._policies[device_group] = standing.effective.policy
        return self._policies[device_group]

    def hosts(self) -> dict[str, Mapping[str, Any]]:
        """Return, by machine id, the facts that policy saw when it last judged a host."""
        query = (
            sa.select(containments.c.machine_id, containments.c.verdict)
            .where(
                containments.c.organization_id == self._organization_id,
                containments.c.machine_id.is_not(None),
                containments.c.verdict.is_not(None),
            )
            .order_by(containments.c.requested_at)
        )
        found: dict[str, Mapping[str, Any]] = {}
        for row in self._tx.all(query):
            facts = row["verdict"].get("facts") if isinstance(row["verdict"], Mapping) else None
            if isinstance(facts, Mapping) and facts.get("tags") is not None:
                found[row["machine_id"]] = facts
        return found

    def usual_length(self, playbook: str) -> timedelta | None:
        """Return how long runs of a playbook mostly took, from their begin to their end: the median of the newest."""
        query = (
            sa.select(runs.c.started_at, runs.c.finished_at)
            .join(playbooks, playbooks.c.id == runs.c.playbook_id)
            .where(
                runs.c.organization_id == self._organization_id,
                playbooks.c.name == playbook,
                runs.c.started_at.is_not(None),
                runs.c.finished_at.is_not(None),
            )
            .order_by(runs.c.requested_at.desc())
            .limit(_NEWEST)
        )
        lengths = [row["finished_at"] - row["started_at"] for row in self._tx.all(query)]
        return median_low(lengths) if lengths else None

    def promoted(self, alert_id: str) -> bool:
        """Tell whether an alert belongs to an incident of ours now."""
        return incident_hosts.promoted(self._tx, self._organization_id, "", (alert_id,))

    @property
    def fleet(self) -> int | None:
        """How many hosts are onboarded, where that was counted."""
        return fleet.size(self._tx, self._organization_id)


def _changes(stored: object, version: int) -> tuple[Change, ...]:
    """Return what a version did; of old rows only whether it was the first is known."""
    if isinstance(stored, list):
        return tuple(Change(each) for each in stored)
    return (Change.CREATED,) if version == 1 else (Change.UPDATED,)
