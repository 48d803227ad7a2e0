"""Lists that an organization keeps for its playbooks: VIPs, exclusions, owners."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

lookup_tables = sa.Table(
    "lookup_tables",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    # What its entries are: text, network or domain.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)

lookup_entries = sa.Table(
    "lookup_entries",
    metadata,
    id_column(),
    reference("table_id", "lookup_tables.id"),
    # By what it is found: the value in the one form that all its spellings have.
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    # What else is known of it: texts by name.
    sa.Column("data", JsonText, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
    # The effect of a playbook that made it last, so that it is made once.
    sa.Column("effect_key", sa.Text),
    sa.UniqueConstraint("table_id", "key"),
)
