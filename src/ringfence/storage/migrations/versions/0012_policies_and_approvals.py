"""Policies and approvals."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


organizations = sa.table(
    "organizations", sa.column("id"), sa.column("policy", JsonText()), sa.column("created_at", Moment())
)
policies = sa.table(
    "policies",
    sa.column("id"),
    sa.column("scope_key"),
    sa.column("version"),
    sa.column("organization_id"),
    sa.column("document", JsonText()),
    sa.column("made_by"),
    sa.column("made_at", Moment()),
)


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("reasons", JsonText(), nullable=False),
        sa.Column("bound_to", JsonText(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("approvers", JsonText(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("self_approval", sa.Boolean(), nullable=False),
        sa.Column("escalate_to", JsonText(), nullable=False),
        sa.Column("patience", sa.Float(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("escalated_at", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_approvals_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("open_key", name=op.f("uq_approvals_open_key")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index("ix_approvals_organization_asked", ["organization_id", "asked_at"], unique=False)
        batch_op.create_index("ix_approvals_subject", ["subject", "subject_id"], unique=False)

    op.create_table(
        "policies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("scope_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=True),
        sa.Column("device_group", sa.Text(), nullable=True),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_policies_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("scope_key", "version", name=op.f("uq_policies_scope_key_version")),
    )
    with op.batch_alter_table("policies", schema=None) as batch_op:
        batch_op.create_index("ix_policies_organization", ["organization_id"], unique=False)

    op.create_table(
        "approval_answers",
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("yes", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approvals.id"], name=op.f("fk_approval_answers_approval_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("approval_id", "by", name=op.f("pk_approval_answers")),
    )
    with op.batch_alter_table("containments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("device_group", sa.Text(), nullable=True))

    # What an organization allowed becomes the first version of its layer of policy.
    connection = op.get_bind()
    for row in connection.execute(sa.select(organizations)).mappings().all():
        if row["policy"]:
            connection.execute(
                policies.insert().values(
                    id=row["id"],
                    scope_key=f"organization:{row['id']}",
                    version=1,
                    organization_id=row["id"],
                    document=row["policy"],
                    made_by="an earlier release",
                    made_at=row["created_at"],
                )
            )
    # Not as a batch: that would make the table anew, and what refers to it would be deleted with the old one.
    op.drop_column("organizations", "policy_version")
    op.drop_column("organizations", "policy")
