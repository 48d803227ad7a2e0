"""An organization with alerts that can be promoted, for tests of incidents; time stands still unless a test moves it."""

from typing import Any

from accounts_samples import an_organization
from alert_desk import AlertDesk
from alert_samples import NOON, an_alert
from ringfence.alerts.model import Alert
from ringfence.incidents import queue, service
from ringfence.incidents.model import Author, Incident, Resolution
from ringfence.incidents.service import Promoted
from ringfence.storage import Database
from ringfence.storage.changes import after

MEGAN = Author("megan.bowen")


class IncidentDesk(AlertDesk):
    """An alert desk whose alerts become incidents."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.stranger = an_organization(database, "Fabrikam")

    def alerts(self, *names: str, **values: Any) -> list[Alert]:
        """Store alerts of the same values, one page for each."""
        for name in names:
            self.take(an_alert(name, NOON, **values))
        return [self.alert(name) for name in names]

    def promote(self, *names: str, author: Author = MEGAN, **options: Any) -> Promoted:
        """Promote alerts by the names they were made with."""
        ids = [f"da{name}_1" for name in names]
        return self.database.run_now(lambda tx: service.promote(tx, self.organization, ids, author, **options))

    def close(self, number: int, author: Author = MEGAN) -> Incident:
        """Close an incident as a true positive."""
        return self.database.run_now(
            lambda tx: service.close(
                tx, self.organization, number, author, resolution=Resolution.TRUE_POSITIVE, reason="Reimaged"
            )
        )

    def incident(self, number: int) -> Incident:
        """Return an incident by its number."""
        return self.database.read_now(lambda tx: queue.get(tx, self.organization, number))

    def names_in(self, number: int) -> list[str]:
        """Return the names of the alerts that are in an incident."""
        found = self.incident(number)
        return sorted(each.alert_id[2:-2] for each in self.database.read_now(lambda tx: queue.alerts_of(tx, found.id)))

    def kinds(self) -> list[str]:
        """Return the kinds of all changes of incidents."""
        return [each.kind for each in self.database.read_now(lambda tx: after(tx, 0)) if each.noun == "incident"]
