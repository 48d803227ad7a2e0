"""What is to be done, version by version."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

playbooks = sa.Table(
    "playbooks",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("active_version_id", sa.String(36)),
    # The revision of `playbook_drafts` that is being edited; NULL where nobody is at it.
    sa.Column("draft_revision", sa.Integer),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)

playbook_versions = sa.Table(
    "playbook_versions",
    metadata,
    id_column(),
    reference("playbook_id", "playbooks.id"),
    sa.Column("major", sa.Integer, nullable=False),
    sa.Column("minor", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    # What one run that succeeds spares people.
    sa.Column("minutes_saved", sa.Float),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    # The older version, as major.minor, whose text this one brings back.
    sa.Column("restores", sa.Text, nullable=False, server_default=""),
    # The second person, where one was asked.
    sa.Column("approved_by", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("playbook_id", "major", "minor"),
)

# Each time that a draft was saved; none is ever changed.
playbook_drafts = sa.Table(
    "playbook_drafts",
    metadata,
    id_column(),
    reference("playbook_id", "playbooks.id"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    # The published version that the draft began from.
    sa.Column("base_version_id", sa.String(36)),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("saved_at", Moment, nullable=False),
    sa.Column("saved_by", sa.Text, nullable=False),
    sa.UniqueConstraint("playbook_id", "revision"),
)

# Who may publish what, and whether a second person is asked: one row for each organization that has said so.
publishing_rules = sa.Table(
    "publishing_rules",
    metadata,
    organization_column(),
    sa.Column("document", JsonText, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization_id"),
)
