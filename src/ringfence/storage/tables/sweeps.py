"""The completeness ledger: what the slow re-reading of each service found that its polls had missed."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

# One row for each sweep of a service, written before it begins: who writes the row of a `due_at` does that sweep. `since` and
# `until` bound the times of the last update that it re-read. `watermark` is how far the polls had come, `newest` the latest
# update that the tenant showed. `missed` names some of what was missed, `delays` says in seconds how late alerts were seen.
sweeps = sa.Table(
    "sweeps",
    metadata,
    id_column(),
    organization_column(),
    reference("service_id", "trigger_services.id"),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment),
    sa.Column("watermark", Moment),
    sa.Column("newest", Moment),
    sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("seen", sa.Integer, nullable=False, server_default="0"),
    sa.Column("missed_alerts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("missed_versions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("missed", JsonText),
    sa.Column("delays", JsonText),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("service_id", "due_at"),
)
