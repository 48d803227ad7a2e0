"""What Microsoft reported, version by version."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

alerts = sa.Table(
    "alerts",
    metadata,
    id_column(),
    organization_column(),
    reference("account_id", "accounts.id"),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("assigned_to", sa.Text),
    sa.Column("incident_id", sa.Text),
    sa.Column("machine_id", sa.Text),
    sa.Column("machine_name", sa.Text),
    sa.Column("event_at", Moment),
    sa.Column("created_at", Moment),
    sa.Column("updated_at", Moment),
    sa.Column("ingested_at", Moment, nullable=False),
    sa.UniqueConstraint("account_id", "alert_id"),
)
sa.Index("ix_alerts_organization_ingested", alerts.c.organization_id, alerts.c.ingested_at, alerts.c.id)
sa.Index(
    "ix_alerts_organization_status", alerts.c.organization_id, alerts.c.status, alerts.c.severity, alerts.c.ingested_at
)
sa.Index("ix_alerts_organization_machine", alerts.c.organization_id, alerts.c.machine_id)

# `raw` is the document exactly as Defender sent it, kept as text; `fingerprint` is what tells two versions apart.
alert_versions = sa.Table(
    "alert_versions",
    metadata,
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.String(32), nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.UniqueConstraint("alert_id", "fingerprint"),
)

# What came as an alert but could not be read as one: kept, shown, never in the way of the others.
rejected_alerts = sa.Table(
    "rejected_alerts",
    metadata,
    id_column(),
    organization_column(),
    reference("account_id", "accounts.id"),
    sa.Column("fingerprint", sa.String(32), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.UniqueConstraint("account_id", "fingerprint"),
)
