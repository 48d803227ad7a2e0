"""How much of what is limited by the minute was used, by all processes together."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import metadata

# `tokens` were left `at` a moment, and fewer than none where several processes let something through at the same time. Kept by
# the SHA-256 of what is counted: no address is.
shared_rates = sa.Table(
    "shared_rates",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("tokens", sa.Float, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
sa.Index("ix_shared_rates_at", shared_rates.c.at)
