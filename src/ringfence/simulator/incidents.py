"""Incidents: the alerts of a tenant by their incidentId, as the XDR and Graph APIs show them."""

from collections.abc import Callable
from dataclasses import dataclass

from ringfence.simulator import portal, timestamps
from ringfence.simulator.record import Document, Record
from ringfence.simulator.tenant import Tenant

SEVERITIES = ("Informational", "Low", "Medium", "High")
_CREATED, _UPDATED = "alertCreationTime", "lastUpdateTime"


@dataclass
class Incident:
    """An incident: its alerts by age, and what was written on the incident itself, in Defender's spelling."""

    id: int
    alerts: list[Record]
    note: Document

    @property
    def created(self) -> int:
        """The moment of the first alert, in ticks."""
        return min(alert.ticks[_CREATED] for alert in self.alerts)

    @property
    def updated(self) -> int:
        """The moment of the last change of the incident or an alert, in ticks."""
        written = int(self.note.get("updated", 0))
        return max(written, *(alert.ticks[_UPDATED] for alert in self.alerts))

    @property
    def status(self) -> str:
        """What was written on the incident, else Resolved once every alert is."""
        written = self.note.get("status")
        if isinstance(written, str):
            return written
        return "Resolved" if all(alert.document.get("status") == "Resolved" for alert in self.alerts) else "Active"

    @property
    def severity(self) -> str:
        """The highest severity of the alerts."""
        found = [alert.document.get("severity") for alert in self.alerts]
        return max((str(item) for item in found if item in SEVERITIES), key=SEVERITIES.index, default="Informational")

    @property
    def name(self) -> str:
        """A name such as Microsoft makes: the one title, or how many machines are concerned."""
        titles = dict.fromkeys(str(alert.document.get("title")) for alert in self.alerts)
        if len(titles) == 1:
            return f"{next(iter(titles))} on one endpoint" if self.machines == 1 else next(iter(titles))
        where = "one endpoint" if self.machines == 1 else "multiple endpoints"
        return f"Multi-stage incident involving {self.category} on {where}"

    @property
    def machines(self) -> int:
        """How many machines the alerts are about."""
        return len({str(alert.document.get("machineId")) for alert in self.alerts})

    @property
    def category(self) -> str:
        """The category of the last alert."""
        return str(self.alerts[-1].document.get("category") or "SuspiciousActivity")

    def text(self, name: str) -> str | None:
        """Return a text that was written on the incident, or None."""
        value = self.note.get(name)
        return value if isinstance(value, str) else None

    def items(self, name: str) -> list[object]:
        """Return a list that was written on the incident: tags or comments."""
        return list(self.note.get(name) or ())

    def record(self, view: Callable[["Incident"], Document], created: str, updated: str) -> Record:
        """Return the incident as an entity, its two moments under the names that an API gives them."""
        return Record(str(self.id), view(self), {created: self.created, updated: self.updated})


def of_tenant(tenant: Tenant) -> list[Incident]:
    """List the incidents of a tenant, the last changed first; alerts without a whole incidentId are in none."""
    groups: dict[int, list[Record]] = {}
    for record in tenant.alert_order:
        key = record.document.get("incidentId")
        if isinstance(key, int) and not isinstance(key, bool):
            groups.setdefault(key, []).append(record)
    found = [_incident(tenant, key, alerts) for key, alerts in groups.items()]
    return sorted(found, key=lambda incident: (-incident.updated, -incident.id))


def find(tenant: Tenant, text: str) -> Incident | None:
    """Return the incident of that number, or None."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    key = int(text)
    alerts = [record for record in tenant.alert_order if record.document.get("incidentId") == key]
    return _incident(tenant, key, alerts) if alerts else None


def _incident(tenant: Tenant, key: int, alerts: list[Record]) -> Incident:
    alerts.sort(key=lambda record: record.ticks[_CREATED])
    return Incident(key, alerts, tenant.notes.get(f"incident/{key}", {}))


def change(tenant: Tenant, incident: Incident, changes: Document, now: float, comment: Document | None = None) -> None:
    """Write on an incident; to resolve it resolves its alerts, as the portal does."""
    note = tenant.notes.setdefault(f"incident/{incident.id}", incident.note)
    note.update(changes)
    if comment is not None:
        note["comments"] = [*incident.items("comments"), comment]
    note["updated"] = timestamps.database_step(now)
    tenant.touch()
    if changes.get("status") == "Resolved":
        for alert in incident.alerts:
            if alert.document.get("status") != "Resolved":
                portal.change_alert(tenant, alert, {"status": "Resolved"}, now)
