"""What steps left behind as files: one row for each, its content in pieces so that nobody holds all of it in memory."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

attachments = sa.Table(
    "attachments",
    metadata,
    id_column(),
    organization_column(),
    reference("run_id", "runs.id"),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("iteration", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
    # Step key and name of a file that is whole; null while it is being written, so that the first to end it wins.
    sa.Column("whole_key", sa.Text, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("sha256", sa.String(64), nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
)
sa.Index("ix_attachments_run", attachments.c.run_id, attachments.c.id)
sa.Index(
    "ix_attachments_unfinished",
    attachments.c.created_at,
    postgresql_where=attachments.c.whole_key.is_(None),
    sqlite_where=attachments.c.whole_key.is_(None),
)

attachment_chunks = sa.Table(
    "attachment_chunks",
    metadata,
    sa.Column("attachment_id", sa.String(36), sa.ForeignKey("attachments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
