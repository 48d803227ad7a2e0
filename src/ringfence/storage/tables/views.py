"""How people look at lists: the filters that they saved, and what each of them chose for a list."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

saved_filters = sa.Table(
    "saved_filters",
    metadata,
    id_column(),
    organization_column(),
    reference("user_id", "users.id"),
    # Of which list, and what its address says after the question mark.
    sa.Column("list", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    # Whether everybody in the organization sees it.
    sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "user_id", "list", "name"),
)

# A row for each list for which somebody chose anything.
list_choices = sa.Table(
    "list_choices",
    metadata,
    sa.Column(
        "organization_id", sa.String(36), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("user_id", sa.String(36), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("list", sa.Text, primary_key=True),
    # The filter that its bare address leads to.
    sa.Column("filter_id", sa.String(36), sa.ForeignKey("saved_filters.id", ondelete="SET NULL")),
    # The columns that are shown, none said: the usual ones.
    sa.Column("shown", JsonText),
    sa.Index("ix_list_choices_filter_id", "filter_id"),
)
