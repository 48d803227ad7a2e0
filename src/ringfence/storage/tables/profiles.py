"""Inputs that people keep to try playbooks with."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column

# For a playbook by its name, since what is tried may be a draft or a file. `document` is the trigger as the steps see it;
# `origin` says where it was taken from.
run_profiles = sa.Table(
    "run_profiles",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("account", sa.Text),
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
    sa.Column("saved_at", Moment, nullable=False),
    sa.Column("saved_by", sa.Text, nullable=False),
    sa.UniqueConstraint("organization_id", "playbook", "name"),
)
