"""What keeps the installation itself going: the change feed and the workers."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import metadata

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
    # The pools of trigger services that it serves.
    sa.Column("pools", JsonText, nullable=False, server_default='["default"]'),
)
