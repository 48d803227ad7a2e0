"""What is to be done, version by version."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

playbooks = sa.Table(
    "playbooks",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("active_version_id", sa.String(36)),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)

playbook_versions = sa.Table(
    "playbook_versions",
    metadata,
    id_column(),
    reference("playbook_id", "playbooks.id"),
    sa.Column("major", sa.Integer, nullable=False),
    sa.Column("minor", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.UniqueConstraint("playbook_id", "major", "minor"),
)
