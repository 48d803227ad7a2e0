"""What a containment is proven by, and what its alert was told."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import metadata, reference

# Each request to Defender about a containment with its reply, without token or secret. `status` is null where no reply came;
# bodies are kept up to a bound, `request_size` and `reply_size` say how large they were.
containment_exchanges = sa.Table(
    "containment_exchanges",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    reference("containment_id", "containments.id"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("elapsed", sa.Float, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("request_body", sa.Text, nullable=False),
    sa.Column("request_size", sa.Integer, nullable=False),
    sa.Column("reply_body", sa.Text, nullable=False),
    sa.Column("reply_size", sa.Integer, nullable=False),
)
sa.Index("ix_containment_exchanges_containment", containment_exchanges.c.containment_id, containment_exchanges.c.id)
sa.Index("ix_containment_exchanges_at", containment_exchanges.c.at)

# What the alert of a containment is told of its verified results, each once: `result` (contained, or not and why), `released`.
containment_reports = sa.Table(
    "containment_reports",
    metadata,
    sa.Column("containment_id", sa.String(36), sa.ForeignKey("containments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("next_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("written_at", Moment),
)
sa.Index(
    "ix_containment_reports_next_at",
    containment_reports.c.next_at,
    postgresql_where=containment_reports.c.next_at.is_not(None),
    sqlite_where=containment_reports.c.next_at.is_not(None),
)
