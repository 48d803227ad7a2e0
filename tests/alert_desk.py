"""One account, and pages of alerts put into it, for tests of what becomes of them."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert, publish
from ringfence import clock
from ringfence.accounts.model import Account
from ringfence.alerts import queue
from ringfence.alerts.model import Alert, AlertVersion
from ringfence.ingestion.pages import Stored, prepare, store
from ringfence.storage import Database
from ringfence.storage.changes import after
from ringfence.storage.tables import run_alerts, runs
from ringfence.triggers.registry import Registry
from ringfence.triggers.why import Why, explain


class AlertDesk:
    """An organization with an account; the time is ten minutes past noon, and moves only when it is told to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.account: Account = a_stored_account(database, self.organization)
        self.registry = Registry()
        self.now = NOON + timedelta(minutes=10)
        clock.replace(lambda: self.now.timestamp())

    def wait(self, **time: float) -> datetime:
        """Let time pass, and return the new time."""
        self.now += timedelta(**time)
        return self.now

    def publish(self, name: str, trigger: str) -> str:
        """Publish a playbook with a trigger, and return its id."""
        return publish(self.database, self.organization, name, trigger)

    def take(self, *documents: object) -> Stored:
        """Store a page of alerts."""
        page, account_id = prepare(documents), self.account.id
        return self.database.run_now(lambda tx: store(tx, account_id, page, self.registry))

    def change(self, name: str, **values: Any) -> Stored:
        """Deliver an alert again, a minute later, with other values."""
        return self.take(an_alert(name, self.wait(minutes=1), **values))

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, in the order of their making."""
        query = sa.select(runs).order_by(runs.c.id)
        return [dict(row) for row in self.database.read_now(lambda tx: tx.all(query))]

    def reasons(self) -> list[tuple[str, int]]:
        """Return what all runs are about: Defender's id without its ends, and the version; in the order of joining."""
        query = sa.select(run_alerts.c.alert_id, run_alerts.c.alert_version).order_by(
            run_alerts.c.joined_at, run_alerts.c.run_id, run_alerts.c.alert_id, run_alerts.c.alert_version
        )
        rows = self.database.read_now(lambda tx: tx.all(query))
        return [(self._own(row["alert_id"]).alert_id[2:-2], row["alert_version"]) for row in rows]

    def _own(self, alert_id: str) -> Alert:
        return self.database.read_now(lambda tx: queue.get(tx, self.organization, alert_id))

    def end(self, run_id: str) -> None:
        """Let a run have ended."""
        ended = sa.update(runs).where(runs.c.id == run_id).values(status="succeeded", finished_at=clock.now())
        self.database.run_now(lambda tx: tx.execute(ended))

    def alert(self, name: str) -> Alert:
        """Return an alert by the name it was made with."""
        return self.database.read_now(lambda tx: queue.get(tx, self.organization, f"da{name}_1"))

    def versions(self, name: str) -> list[AlertVersion]:
        """Return all versions of an alert, the first first."""
        found = self.alert(name)
        return self.database.read_now(lambda tx: queue.versions(tx, self.organization, found))

    def why(self, name: str) -> Why:
        """Explain an alert."""
        found = self.alert(name)
        return self.database.read_now(lambda tx: explain(tx, self.organization, found, self.registry))

    def verdicts(self, name: str) -> dict[int, dict[str, str]]:
        """Return the verdict of each playbook on each version of an alert."""
        return {each.version: {one.playbook: one.verdict for one in each.playbooks} for each in self.why(name).versions}

    def told(self, noun: str) -> list[str]:
        """Return the kinds of all changes of a noun."""
        return [change.kind for change in self.database.read_now(lambda tx: after(tx, 0)) if change.noun == noun]
