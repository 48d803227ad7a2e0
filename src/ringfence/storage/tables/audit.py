"""Who did what, row after row, each bound to the one before."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import metadata

# Written once and never changed. No foreign key: what was done stays, whatever becomes of those that it was done to.
# `details` is canonical JSON, kept as text, so that what was hashed is what is read.
audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("organization_id", sa.String(36), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
sa.Index(
    "ix_audit_entries_subject",
    audit_entries.c.organization_id,
    audit_entries.c.subject,
    audit_entries.c.subject_id,
    audit_entries.c.number,
)
sa.Index("ix_audit_entries_noun", audit_entries.c.organization_id, audit_entries.c.subject, audit_entries.c.number)
sa.Index("ix_audit_entries_actor", audit_entries.c.organization_id, audit_entries.c.actor, audit_entries.c.number)

# The newest entry of each organization: whoever writes the next one waits for this row.
audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("organization_id", sa.String(36), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
