"""What may be contained: each version of each layer of policy."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, reference

policies = sa.Table(
    "policies",
    metadata,
    id_column(),
    # `provider`, `organization:ID` or `group:ID:name`; the highest version of each counts.
    sa.Column("scope_key", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    reference("organization_id", "organizations.id", nullable=True),
    sa.Column("device_group", sa.Text),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.UniqueConstraint("scope_key", "version"),
)
sa.Index("ix_policies_organization", policies.c.organization_id)
