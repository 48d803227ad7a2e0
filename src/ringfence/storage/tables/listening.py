"""How far the timers and the change triggers have come."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import metadata

# Of one playbook's timer: every moment up to `until` was started, or passed over as its catch_up says.
timer_marks = sa.Table(
    "timer_marks",
    metadata,
    sa.Column("playbook_id", sa.String(36), sa.ForeignKey("playbooks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("until", Moment, nullable=False),
    sa.Column("passed_over", sa.Integer, nullable=False, server_default="0"),
)

# The number of the newest change of the feed that was matched with the change triggers; one row, called `triggers`.
feed_cursors = sa.Table(
    "feed_cursors",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)
