"""Drafts of playbooks and rules of publishing."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publishing_rules",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_publishing_rules_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_publishing_rules")),
    )
    op.create_table(
        "playbook_drafts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("playbook_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("base_version_id", sa.String(length=36), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("saved_at", Moment(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["playbook_id"], ["playbooks.id"], name=op.f("fk_playbook_drafts_playbook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook_drafts")),
        sa.UniqueConstraint("playbook_id", "revision", name=op.f("uq_playbook_drafts_playbook_id_revision")),
    )
    with op.batch_alter_table("playbook_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("restores", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("approved_by", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("playbooks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("draft_revision", sa.Integer(), nullable=True))
