"""Which host is cut off, for whom, and how it came to that."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

containments = sa.Table(
    "containments",
    metadata,
    id_column(),
    organization_column(),
    reference("account_id", "accounts.id"),
    sa.Column("request_key", sa.Text, nullable=False, unique=True),
    # `account:machine` while the containment is not final, else null: one live containment for each machine.
    sa.Column("live_key", sa.Text, unique=True),
    # The containment that already held the machine when the target of this one was proven.
    sa.Column("joined_id", sa.String(36), sa.ForeignKey("containments.id", ondelete="SET NULL")),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("machine_id", sa.Text),
    sa.Column("machine_name", sa.Text),
    sa.Column("device_group", sa.Text),
    sa.Column("isolation_type", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    reference("run_id", "runs.id", nullable=True),
    reference("alert_id", "alerts.id", nullable=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("verdict", JsonText),
    sa.Column("isolate_action_id", sa.Text),
    sa.Column("release_action_id", sa.Text),
    sa.Column("auto_release_after", sa.Float),
    # A person wants it although Defender has dealt with the alert already.
    sa.Column("forced", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("deadline_at", Moment, nullable=False),
    sa.Column("auto_release_at", Moment),
    # When people were warned that the timer is about to let the host go.
    sa.Column("warned_at", Moment),
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
sa.Index(
    "ix_containments_organization_state",
    containments.c.organization_id,
    containments.c.state,
    containments.c.requested_at,
    containments.c.id,
)
sa.Index("ix_containments_alert", containments.c.alert_id)
sa.Index("ix_containments_run", containments.c.run_id)
# For the clocks of the days that are not over (`containment.times`).
sa.Index("ix_containments_account_confirmed", containments.c.account_id, containments.c.confirmed_at)
sa.Index("ix_containments_account_released", containments.c.account_id, containments.c.released_at)
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
    reference("containment_id", "containments.id"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("facts", JsonText),
)
sa.Index("ix_containment_events_containment", containment_events.c.containment_id, containment_events.c.id)

# How long the containments of an account took that were confirmed, or let go, on a day (UTC) that is over: microseconds by
# clock, the shortest first. What has no row is worked out from the containments themselves (`containment.days`).
containment_days = sa.Table(
    "containment_days",
    metadata,
    sa.Column("account_id", sa.String(36), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    organization_column(),
    sa.Column("lengths", JsonText, nullable=False),
)
sa.Index("ix_containment_days_organization", containment_days.c.organization_id, containment_days.c.day)
