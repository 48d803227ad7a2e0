"""Which people are asked together."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column

teams = sa.Table(
    "teams",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    # The names of its people.
    sa.Column("people", JsonText, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)
