"""An alert as people see it in the queue; the document that Defender sent is read only when somebody looks at it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Alert:
    """The named values of an alert at its present version; `alert_id` is Defender's id, `id` is ours."""

    id: str
    organization_id: str
    account_id: str
    account: str
    alert_id: str
    version: int
    title: str
    severity: str
    status: str
    category: str
    assigned_to: str | None
    incident_id: str | None
    machine_id: str | None
    machine_name: str | None
    event_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class AlertVersion:
    """One version of an alert: the document exactly as it was read, and when; numbers follow the order of arrival."""

    alert_id: str
    version: int
    fingerprint: str
    seen_at: datetime
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RejectedAlert:
    """What came as an alert and could not be read as one; `raw` is its text."""

    id: str
    account: str
    reason: str
    raw: str
    seen_at: datetime

    @property
    def document(self) -> Any:
        """What came, read as JSON."""
        return json.loads(self.raw)
