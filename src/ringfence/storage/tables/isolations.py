"""What Defender did to the machines that were isolated lately, whoever asked for it, and how far its actions were read."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import metadata, organization_column, reference

isolations = sa.Table(
    "isolations",
    metadata,
    organization_column(),
    sa.Column("machine_id", sa.Text, nullable=False),
    # Through which account it was seen.
    reference("account_id", "accounts.id"),
    sa.Column("machine_name", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    # What the isolation or release says that succeeded last; null where none is known. The columns after it are about it.
    sa.Column("isolated", sa.Boolean),
    sa.Column("action_id", sa.Text),
    sa.Column("requestor", sa.Text),
    sa.Column("request_source", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("isolation_type", sa.Text),
    # Ours, if it is there.
    sa.Column("containment_id", sa.String(36), sa.ForeignKey("containments.id", ondelete="SET NULL")),
    sa.Column("since", Moment),
    # The action that is not over yet.
    sa.Column("open_action_id", sa.Text),
    sa.Column("open_type", sa.Text),
    sa.Column("open_by", sa.Text),
    sa.Column("open_since", Moment),
    # When Defender was looked at.
    sa.Column("seen_at", Moment, nullable=False),
    # How this differs from what we want, and since when.
    sa.Column("drift", sa.Text, nullable=False, server_default=""),
    sa.Column("drift_since", Moment),
    # When Defender last heard of the device, when that was read, and since when it counts as lost.
    sa.Column("heard_at", Moment),
    sa.Column("heard_read_at", Moment),
    sa.Column("lost_since", Moment),
    sa.PrimaryKeyConstraint("organization_id", "machine_id"),
)
sa.Index("ix_isolations_state", isolations.c.organization_id, isolations.c.state)

# One row for each account whose actions are read.
reconciliations = sa.Table(
    "reconciliations",
    metadata,
    sa.Column("account_id", sa.String(36), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    # Actions that were made before this moment and were over then are known.
    sa.Column("read_at", Moment),
    sa.Column("tried_at", Moment, nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
)
