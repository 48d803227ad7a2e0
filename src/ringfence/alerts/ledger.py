"""For each version of each alert, the verdict of every playbook that could have been started: written small, read at length.

A row holds one letter for each member of a set of playbooks, which is stored once. What the letters mean is the triggers'
business (`triggers.base.Verdict`). All functions work inside the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts.versions import fingerprint
from ringfence.storage import Transaction
from ringfence.storage.tables import (
    alert_verdicts,
    playbook_versions,
    playbooks,
    run_alerts,
    runs,
    trigger_sets,
)

_INSERT: Final = sa.insert(alert_verdicts)


@dataclass(frozen=True, slots=True)
class Member:
    """One playbook that a verdict was given on, with the version that it would have started."""

    playbook_id: str
    version_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The verdicts on one version, a letter for each member."""

    version: int
    members: tuple[Member, ...]
    letters: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Carried:
    """A run that a version started or joined; `first` says that it started it."""

    version: int
    run_id: str
    playbook_id: str
    status: str
    first: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A version of a playbook as people know it."""

    name: str
    number: str


def write(
    tx: Transaction,
    organization_id: str,
    members: Sequence[Member],
    letters: Iterable[tuple[str, int, str]],
    now: datetime,
) -> None:
    """Keep the verdicts of a set of playbooks: (our id of the alert, version, letters) of each version."""
    triggers = [[each.playbook_id, each.version_id] for each in members]
    set_id = fingerprint([organization_id, triggers])
    rows = [
        {"alert_id": alert_id, "version": version, "set_id": set_id, "letters": text, "decided_at": now}
        for alert_id, version, text in letters
    ]
    if not rows:
        return
    tx.insert_new(trigger_sets, [{"id": set_id, "organization_id": organization_id, "triggers": triggers}])
    tx.execute(_INSERT, rows)


def revise(tx: Transaction, alert_id: str, version: int, playbook_id: str, letter: str) -> None:
    """Replace the verdict of one playbook on one version, if it is still kept."""
    kept = read(tx, alert_id).get(version)
    if kept is None:
        return
    letters = [
        letter if each.playbook_id == playbook_id else had for each, had in zip(kept.members, kept.letters, strict=True)
    ]
    row = alert_verdicts.c
    statement = sa.update(alert_verdicts).where(row.alert_id == alert_id, row.version == version)
    tx.execute(statement.values(letters="".join(letters)))


def read(tx: Transaction, alert_id: str) -> dict[int, Kept]:
    """Return the verdicts on the versions of an alert (our id), by version, as far as they are still kept."""
    query = (
        sa.select(
            alert_verdicts.c.version, alert_verdicts.c.letters, alert_verdicts.c.decided_at, trigger_sets.c.triggers
        )
        .join(trigger_sets, trigger_sets.c.id == alert_verdicts.c.set_id)
        .where(alert_verdicts.c.alert_id == alert_id)
    )
    return {
        row["version"]: Kept(
            row["version"],
            tuple(Member(*each) for each in row["triggers"]),
            row["letters"],
            row["decided_at"],
        )
        for row in tx.all(query)
    }


def carried(tx: Transaction, alert_id: str) -> list[Carried]:
    """Return the runs that versions of an alert started or joined, the earliest first."""
    query = (
        sa.select(
            run_alerts.c.alert_version.label("version"),
            runs.c.id.label("run_id"),
            runs.c.playbook_id,
            runs.c.status,
            (
                sa.and_(runs.c.alert_id == run_alerts.c.alert_id, runs.c.alert_version == run_alerts.c.alert_version)
            ).label("first"),
            run_alerts.c.joined_at,
        )
        .join(runs, runs.c.id == run_alerts.c.run_id)
        .where(run_alerts.c.alert_id == alert_id)
        .order_by(run_alerts.c.joined_at, runs.c.id)
    )
    return [Carried(**{**row, "first": bool(row["first"])}) for row in tx.all(query)]


def names(tx: Transaction, organization_id: str, version_ids: Iterable[str]) -> dict[str, Named]:
    """Return what these versions of playbooks are called, as far as they are still there."""
    query = (
        sa.select(playbook_versions.c.id, playbooks.c.name, playbook_versions.c.major, playbook_versions.c.minor)
        .join(playbooks, playbooks.c.id == playbook_versions.c.playbook_id)
        .where(playbooks.c.organization_id == organization_id, playbook_versions.c.id.in_(list(version_ids)))
    )
    return {row["id"]: Named(row["name"], f"{row['major']}.{row['minor']}") for row in tx.all(query)}


def forget(tx: Transaction, *, older_than: timedelta) -> int:
    """Delete verdicts that are older, and the sets that none is left of; returns how many verdicts."""
    gone = tx.execute(sa.delete(alert_verdicts).where(alert_verdicts.c.decided_at < clock.now() - older_than)).rowcount
    if gone:
        left = sa.select(alert_verdicts.c.set_id).where(alert_verdicts.c.set_id == trigger_sets.c.id)
        tx.execute(sa.delete(trigger_sets).where(~sa.exists(left)))
    return gone
