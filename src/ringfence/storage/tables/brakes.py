"""What stops containing by itself: limits that were reached, what a person lifted, and how large each fleet is."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

# Each time that a limit of policy was reached, with how many containments it refused. `kind` and `subject` say which limit;
# `open_key` is null once it is over, so that one limit is reported once however many it refuses.
brakes = sa.Table(
    "brakes",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("open_key", sa.Text, unique=True),
    sa.Column("detail", sa.Text, nullable=False),
    reference("containment_id", "containments.id", nullable=True),
    sa.Column("tripped_at", Moment, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("refused_at", Moment, nullable=False),
    # When it will be over by itself; null where only a person, or a released host, ends it.
    sa.Column("opens_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_why", sa.Text),
)
sa.Index("ix_brakes_organization", brakes.c.organization_id, brakes.c.tripped_at)

# That a person let containments go on in spite of the limits: until when, how many more (null: any number), and why.
brake_lifts = sa.Table(
    "brake_lifts",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("lifted_at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("more", sa.Integer),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
sa.Index("ix_brake_lifts_organization", brake_lifts.c.organization_id, brake_lifts.c.lifted_at)

# How many hosts of an account are onboarded, as last counted; `tried_at` is when somebody last began to count.
fleets = sa.Table(
    "fleets",
    metadata,
    sa.Column("account_id", sa.String(36), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("onboarded", sa.Integer),
    sa.Column("counted_at", Moment),
    sa.Column("tried_at", Moment, nullable=False),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
)
