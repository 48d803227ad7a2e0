"""What is followed: which account's alerts, how often, and how that goes."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

# `interval` and `history` are words (`90 s`, `adaptive`; `30 days ago`), empty where the installation's settings decide.
# A service whose type a package brings follows no account: it has parameters, and the cursor that its last poll gave back.
# `poll_error` is what the last poll met, `problems` what was noticed beside them, by kind; the state follows from all of these.
trigger_services = sa.Table(
    "trigger_services",
    metadata,
    id_column(),
    organization_column(),
    reference("account_id", "accounts.id", nullable=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parameters", JsonText, nullable=False, server_default="{}"),
    sa.Column("cursor", JsonText),
    sa.Column("source", sa.Text, nullable=False, server_default="defender"),
    sa.Column("interval", sa.Text, nullable=False, server_default=""),
    sa.Column("history", sa.Text, nullable=False, server_default=""),
    sa.Column("start_at_once", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("updates", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("max_restarts", sa.Integer, nullable=False, server_default="3"),
    # Which workers may read it: those that serve this pool.
    sa.Column("pool", sa.Text, nullable=False, server_default="default"),
    # Mail addresses that are told when it fails; and who else may listen: everybody, or the organizations of these ids.
    sa.Column("notify_to", JsonText, nullable=False, server_default="[]"),
    sa.Column("everybody", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("shared_with", JsonText, nullable=False, server_default="[]"),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("state", sa.Text, nullable=False, server_default="starting"),
    sa.Column("state_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("poll_error", sa.Text, nullable=False, server_default=""),
    sa.Column("problems", JsonText, nullable=False, server_default="{}"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("watermark", Moment),
    sa.Column("polled_at", Moment),
    sa.Column("next_poll_at", Moment),
    # Seconds between the creation of the newest alerts and their being stored, as the last poll that found any saw it.
    sa.Column("lag", sa.Float),
    sa.Column("polls", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hits", sa.Integer, nullable=False, server_default="0"),
    sa.Column("misses", sa.Integer, nullable=False, server_default="0"),
    sa.Column("errors", sa.Integer, nullable=False, server_default="0"),
    sa.Column("activated_at", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)
sa.Index("ix_trigger_services_account", trigger_services.c.account_id)

# A change of an alert for which a playbook waits: the alert lacks what the playbook needs (its machine, its evidence), and
# is read again until it has come or `until` has passed; then the playbook starts with what there is.
awaited_alerts = sa.Table(
    "awaited_alerts",
    metadata,
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "playbook_version_id",
        sa.String(36),
        sa.ForeignKey("playbook_versions.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("version", sa.Integer, primary_key=True),
    reference("account_id", "accounts.id"),
    sa.Column("missing", sa.Text, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Column("until", Moment, nullable=False),
)
sa.Index("ix_awaited_alerts_account", awaited_alerts.c.account_id, awaited_alerts.c.until)

# What services of packages brought, the newest of each; never what was in it. `digest` is of the event's id, which may be long;
# `outcomes` are of the playbooks of the service's own organization, `elsewhere` counts the runs that others' playbooks began.
service_events = sa.Table(
    "service_events",
    metadata,
    id_column(),
    organization_column(),
    reference("service_id", "trigger_services.id"),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("at", Moment),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("outcomes", JsonText, nullable=False),
    sa.Column("elsewhere", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("service_id", "digest"),
)
sa.Index("ix_service_events_service", service_events.c.service_id, service_events.c.id)
sa.Index("ix_service_events_received", service_events.c.received_at)
