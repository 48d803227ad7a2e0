"""Which apps are installed, in which version they were looked at, and whose they are."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import metadata

# An app without a row is as it came: ours is there for everybody, another one for nobody. `organizations` are ids, and count
# where it is not there for `everybody`.
apps = sa.Table(
    "apps",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("installed", sa.Boolean, nullable=False),
    sa.Column("everybody", sa.Boolean, nullable=False),
    sa.Column("organizations", JsonText, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)
