"""What playbooks call outside by HTTP: credentials, allowed hosts, and which effects were made."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

http_accounts = sa.Table(
    "http_accounts",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    # How it proves itself: header, query, basic, bearer or oauth2.
    sa.Column("kind", sa.Text, nullable=False),
    # Below which address the credential may go.
    sa.Column("address", sa.Text, nullable=False),
    # What of it may be shown, by name; the rest is sealed.
    sa.Column("shown", JsonText, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("renewed_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)

# The hosts that playbooks may call without an account.
destinations = sa.Table(
    "destinations",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
    sa.UniqueConstraint("organization_id", "host"),
)

# An effect that leaves no trace elsewhere by which it would be known again: begun before it is made, done with its answer.
effects = sa.Table(
    "effects",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    reference("run_id", "runs.id", nullable=True),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Column("answer", JsonText),
)
sa.Index("ix_effects_run", effects.c.run_id)
