"""What people work on: alerts that were promoted, what was noted and what is to be done about them."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

incidents = sa.Table(
    "incidents",
    metadata,
    id_column(),
    organization_column(),
    # What people call it: #12, counted in each organization.
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    # How it ended, in a word and in the words of who closed it; null while it is not resolved.
    sa.Column("resolution", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("merged_into", sa.String(36), sa.ForeignKey("incidents.id", ondelete="SET NULL")),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
    sa.UniqueConstraint("organization_id", "number"),
)
sa.Index("ix_incidents_organization_status", incidents.c.organization_id, incidents.c.status, incidents.c.number)

incident_alerts = sa.Table(
    "incident_alerts",
    metadata,
    sa.Column("incident_id", sa.String(36), sa.ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    # The alert while the incident is not resolved, else null: an alert belongs to one incident at a time.
    sa.Column("open_alert_id", sa.String(36), unique=True),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
)
sa.Index("ix_incident_alerts_alert", incident_alerts.c.alert_id)

incident_notes = sa.Table(
    "incident_notes",
    metadata,
    id_column(),
    reference("incident_id", "incidents.id"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
sa.Index("ix_incident_notes_incident", incident_notes.c.incident_id, incident_notes.c.at)

incident_tasks = sa.Table(
    "incident_tasks",
    metadata,
    id_column(),
    reference("incident_id", "incidents.id"),
    # Counted in each incident.
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("assignee", sa.Text),
    sa.Column("due_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("done_at", Moment),
    sa.Column("done_by", sa.Text),
    # Of a task that a step of a run waits for: what is asked and filled in, how it ended, and the key of the step.
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("form", JsonText),
    sa.Column("filled", JsonText),
    sa.Column("ended", sa.Text),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="SET NULL")),
    sa.Column("key", sa.Text),
    sa.UniqueConstraint("incident_id", "number"),
)
sa.Index("ux_incident_tasks_key", incident_tasks.c.key, unique=True)

# Each change, written in the transaction that makes it; `key` is the key of the step that made it, so that it is made once.
incident_events = sa.Table(
    "incident_events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    reference("incident_id", "incidents.id"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("facts", JsonText),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="SET NULL")),
    sa.Column("key", sa.Text, unique=True),
)
sa.Index("ix_incident_events_incident", incident_events.c.incident_id, incident_events.c.id)
