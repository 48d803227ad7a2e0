"""Why each version of an alert did or did not start each playbook that could have been started."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import metadata, organization_column

# The playbooks of an organization that a verdict was given on, in its order; the id is a hash of what the row says.
trigger_sets = sa.Table(
    "trigger_sets",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    organization_column(),
    sa.Column("triggers", JsonText, nullable=False),
)

# One letter for each member of the set: there is a row for each version of each alert, and it must cost next to nothing.
alert_verdicts = sa.Table(
    "alert_verdicts",
    metadata,
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("set_id", sa.String(32), nullable=False),
    sa.Column("letters", sa.Text, nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
)
sa.Index("ix_alert_verdicts_decided", alert_verdicts.c.decided_at)
