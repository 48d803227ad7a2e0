"""An alert as people see it in the queue; the document that Defender sent is read only when somebody looks at it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfence.alerts.source import Source, common_form
from ringfence.alerts.versions import NO_DIFFERENCES, Differences, Standing


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
    """One version of an alert: the document exactly as it was read, when, and what it changed.

    Numbers follow the order of arrival. `transitions` are what others did, None for versions stored before this was kept;
    `differences` are against version `compared_with`, and of these the top-level fields `ours` hold what Ringfence wrote.
    `found_by` is `poll` or `sweep`.
    """

    alert_id: str
    version: int
    fingerprint: str
    seen_at: datetime
    raw: dict[str, Any]
    standing: Standing = Standing.NEWS
    transitions: tuple[str, ...] | None = None
    compared_with: int | None = None
    differences: Differences = NO_DIFFERENCES
    ours: tuple[str, ...] = ()
    source: str = Source.DEFENDER.value
    found_by: str = "poll"

    @property
    def document(self) -> Any:
        """The document in the form that all sources share."""
        return common_form(self.source, self.raw)


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
