"""What was spent of the calls that Microsoft grants."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import metadata

call_budgets = sa.Table(
    "call_budgets",
    metadata,
    # API, tenant and application: whoever calls with the same application, for whichever organization, shares the row.
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("ledger", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)
