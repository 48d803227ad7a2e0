"""All tables, in the order of the story: who, with which account, which alerts, which playbook, which run, which host.

Ids are UUIDv7 texts (`clock.new_id`). States are the words of the package's own enums. A column `*_key` that is unique is
how "exactly once" is kept: the second writer meets the constraint.
"""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(36), primary_key=True)


def _reference(name: str, target: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(36), sa.ForeignKey(target, ondelete="CASCADE"), nullable=nullable)


def _organization() -> sa.Column[str]:
    return _reference("organization_id", "organizations.id")


organizations = sa.Table(
    "organizations",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("policy", JsonText, nullable=False),
    sa.Column("policy_version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    _id(),
    _organization(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
)

# Sign-in links and sessions are known by the SHA-256 of what the browser holds.
sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _reference("user_id", "users.id"),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _reference("user_id", "users.id"),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)

accounts = sa.Table(
    "accounts",
    metadata,
    _id(),
    _organization(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("cloud", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.Text, nullable=False),
    sa.Column("secret_expires_on", sa.Date),
    # Only for a simulator or a proxy on this machine: where to sign in and call instead of the cloud's own hosts.
    sa.Column("login_url", sa.Text),
    sa.Column("api_url", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_reason", sa.Text, nullable=False),
    sa.Column("roles", JsonText, nullable=False),
    sa.Column("proven_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    # The cursor of the poller: how far it has come, and what the last poll met.
    sa.Column("watermark", Moment),
    sa.Column("polled_at", Moment),
    sa.Column("poll_error", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("organization_id", "name"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    _id(),
    _organization(),
    _reference("account_id", "accounts.id"),
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
    _id(),
    _organization(),
    _reference("account_id", "accounts.id"),
    sa.Column("fingerprint", sa.String(32), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.UniqueConstraint("account_id", "fingerprint"),
)

playbooks = sa.Table(
    "playbooks",
    metadata,
    _id(),
    _organization(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("active_version_id", sa.String(36)),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)

playbook_versions = sa.Table(
    "playbook_versions",
    metadata,
    _id(),
    _reference("playbook_id", "playbooks.id"),
    sa.Column("major", sa.Integer, nullable=False),
    sa.Column("minor", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.UniqueConstraint("playbook_id", "major", "minor"),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _organization(),
    _reference("playbook_id", "playbooks.id"),
    _reference("playbook_version_id", "playbook_versions.id"),
    _reference("account_id", "accounts.id", nullable=True),
    _reference("alert_id", "alerts.id", nullable=True),
    sa.Column("alert_version", sa.Integer),
    sa.Column("cause_key", sa.Text, nullable=False),
    sa.Column("trigger", JsonText, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    # Who carries the run: segment numbers the workflows, fence numbers the holders, nudges count the reasons to look again.
    sa.Column("segment", sa.Integer, nullable=False, server_default="0"),
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("nudges", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment),
    sa.UniqueConstraint("playbook_id", "cause_key"),
)
sa.Index("ix_runs_organization_requested", runs.c.organization_id, runs.c.requested_at, runs.c.id)
sa.Index("ix_runs_status", runs.c.status, runs.c.lease_until)
sa.Index("ix_runs_alert", runs.c.alert_id)

step_runs = sa.Table(
    "step_runs",
    metadata,
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("iteration", sa.Integer, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("input", JsonText),
    sa.Column("output", JsonText),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    # Of a step that waits: what it wants to find again, and when it is looked at next; `wakes` has on which change.
    sa.Column("state", JsonText),
    sa.Column("wake_at", Moment),
)
sa.Index(
    "ix_step_runs_wake_at",
    step_runs.c.wake_at,
    postgresql_where=step_runs.c.wake_at.is_not(None),
    sqlite_where=step_runs.c.wake_at.is_not(None),
)

# A step that waits for a change of `topic` (`containment:ID`), and the number of the newest change when it began to wait.
wakes = sa.Table(
    "wakes",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("after_change", sa.BigInteger, nullable=False),
)
sa.Index("ix_wakes_run", wakes.c.run_id)

run_logs = sa.Table(
    "run_logs",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    _reference("run_id", "runs.id"),
    sa.Column("step", sa.Text),
    sa.Column("at", Moment, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("fields", JsonText, nullable=False),
)
sa.Index("ix_run_logs_run", run_logs.c.run_id, run_logs.c.id)

containments = sa.Table(
    "containments",
    metadata,
    _id(),
    _organization(),
    _reference("account_id", "accounts.id"),
    sa.Column("request_key", sa.Text, nullable=False, unique=True),
    # `account:machine` while the containment is not final, else null: one live containment for each machine.
    sa.Column("live_key", sa.Text, unique=True),
    # The containment that already held the machine when the target of this one was proven.
    sa.Column("joined_id", sa.String(36), sa.ForeignKey("containments.id", ondelete="SET NULL")),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("machine_id", sa.Text),
    sa.Column("machine_name", sa.Text),
    sa.Column("isolation_type", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    _reference("run_id", "runs.id", nullable=True),
    _reference("alert_id", "alerts.id", nullable=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("verdict", JsonText),
    sa.Column("isolate_action_id", sa.Text),
    sa.Column("release_action_id", sa.Text),
    sa.Column("auto_release_after", sa.Float),
    sa.Column("deadline_at", Moment, nullable=False),
    sa.Column("auto_release_at", Moment),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("decided_at", Moment),
    sa.Column("submitted_at", Moment),
    sa.Column("accepted_at", Moment),
    sa.Column("confirmed_at", Moment),
    sa.Column("release_requested_at", Moment),
    sa.Column("release_submitted_at", Moment),
    sa.Column("released_at", Moment),
    sa.Column("finished_at", Moment),
    # Who drives it now, and when it is looked at next.
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment),
    sa.Column("next_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
)
sa.Index("ix_containments_organization_requested", containments.c.organization_id, containments.c.requested_at)
sa.Index(
    "ix_containments_next_at",
    containments.c.next_at,
    postgresql_where=containments.c.next_at.is_not(None),
    sqlite_where=containments.c.next_at.is_not(None),
)
sa.Index("ix_containments_machine", containments.c.account_id, containments.c.machine_id)

# Who wants the host held. It is released when the last hold is let go.
containment_holds = sa.Table(
    "containment_holds",
    metadata,
    sa.Column("containment_id", sa.String(36), sa.ForeignKey("containments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("held_at", Moment, nullable=False),
    sa.Column("let_go_at", Moment),
)
sa.Index("ix_containment_holds_holder", containment_holds.c.holder)

# Each transition, written in the transaction that makes it.
containment_events = sa.Table(
    "containment_events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    _reference("containment_id", "containments.id"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("facts", JsonText),
)
sa.Index("ix_containment_events_containment", containment_events.c.containment_id, containment_events.c.id)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("organization_id", sa.String(36), nullable=False),
    sa.Column("noun", sa.Text, nullable=False),
    sa.Column("noun_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
sa.Index("ix_changes_noun", changes.c.noun, changes.c.noun_id, changes.c.id)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("heartbeat_at", Moment, nullable=False),
)
