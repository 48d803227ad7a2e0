"""The data keys of organizations, each only as it is wrapped under master keys; without its wraps a key is gone for ever."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

organization_keys = sa.Table(
    "organization_keys",
    metadata,
    id_column(),
    organization_column(),
    # `active` seals and opens, `old` opens only.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
sa.Index(
    "ix_organization_keys_active",
    organization_keys.c.organization_id,
    unique=True,
    postgresql_where=organization_keys.c.state == "active",
    sqlite_where=organization_keys.c.state == "active",
)

# During a rotation of the master key a data key is wrapped under both.
key_wraps = sa.Table(
    "key_wraps",
    metadata,
    reference("key_id", "organization_keys.id"),
    sa.Column("master_id", sa.String(16), nullable=False),
    sa.Column("wrapped", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("key_id", "master_id"),
)
