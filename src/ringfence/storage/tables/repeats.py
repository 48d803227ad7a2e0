"""Writes that came to the API with an idempotency key, and what was answered."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column

# `fingerprint` is of who asked for what. `acted` is written in the transaction of the first thing that was done.
repeats = sa.Table(
    "repeats",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    # Until when whoever began it is taken to be at work.
    sa.Column("lease_until", Moment, nullable=False),
    sa.Column("acted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("status", sa.Integer),
    # The answer may hold what is told once only.
    sa.Column("sealed", sa.Text),
    sa.UniqueConstraint("organization_id", "key"),
)
sa.Index("ix_repeats_begun_at", repeats.c.begun_at)
