"""What Microsoft reported, version by version."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
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
# Both hold all that filters ask for: whoever looks for alerts goes along one of them, newest first or by their words, and
# reads no row that is not wanted (`alerts.finding`). On SQLite an index of texts stands beside them (`storage.searching`).
sa.Index(
    "ix_alerts_organization_ingested",
    alerts.c.organization_id,
    alerts.c.ingested_at,
    alerts.c.id,
    alerts.c.severity,
    alerts.c.status,
    alerts.c.category,
)
sa.Index(
    "ix_alerts_organization_status",
    alerts.c.organization_id,
    alerts.c.status,
    alerts.c.severity,
    alerts.c.category,
    alerts.c.ingested_at,
    alerts.c.id,
)
sa.Index("ix_alerts_organization_machine", alerts.c.organization_id, alerts.c.machine_id)
sa.Index("ix_alerts_account_incident", alerts.c.account_id, alerts.c.incident_id)

# `raw` is the document exactly as Defender sent it, kept as text; `fingerprint` is what tells two versions apart. `standing`
# says whether the version is news, came late, or holds what Ringfence itself wrote; `difference` and `transitions` are what
# changed against version `compared_with`. Rows from before these were kept have nulls. `source` is the API whose document it is,
# `mark` is shared by documents of different sources that say the same (empty: not worked out yet), and `found_by` says whether
# the poll or the sweep brought it.
alert_versions = sa.Table(
    "alert_versions",
    metadata,
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.String(32), nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False, server_default="news"),
    sa.Column("transitions", JsonText),
    sa.Column("compared_with", sa.Integer),
    sa.Column("difference", JsonText),
    sa.Column("source", sa.Text, nullable=False, server_default="defender"),
    sa.Column("mark", sa.String(32), nullable=False, server_default=""),
    sa.Column("found_by", sa.Text, nullable=False, server_default="poll"),
    sa.UniqueConstraint("alert_id", "fingerprint"),
)

# What Ringfence wrote to an alert (Defender's id), field by field, so that it is known again when Defender shows it back.
alert_writes = sa.Table(
    "alert_writes",
    metadata,
    sa.Column("account_id", sa.String(36), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", JsonText),
    sa.Column("written_at", Moment, nullable=False),
    sa.Column("shown_in", sa.Integer),
)
sa.Index("ix_alert_writes_written", alert_writes.c.written_at)

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
