"""Roles in organizations."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_memberships_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "organization_id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index("ix_memberships_organization_id", ["organization_id"], unique=False)

    with op.batch_alter_table("organizations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.Text(), server_default="active", nullable=False))
        batch_op.add_column(sa.Column("state_reason", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("state_since", Moment(), nullable=True))

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("organization_id", sa.String(length=36), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_sessions_organization_id"), "organizations", ["organization_id"], ["id"], ondelete="CASCADE"
        )

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("system_administrator", sa.Boolean(), server_default=sa.false(), nullable=False))
    # Who was let in before there were roles keeps what they could do, and the first of them the installation.
    op.execute(
        "INSERT INTO memberships (user_id, organization_id, role, created_at) "
        "SELECT id, organization_id, 'organization_administrator', created_at FROM users"
    )
    op.execute(
        "UPDATE users SET system_administrator = true WHERE id = (SELECT id FROM users ORDER BY created_at, id LIMIT 1)"
    )
    op.execute(
        "UPDATE sessions SET organization_id = "
        "(SELECT users.organization_id FROM users WHERE users.id = sessions.user_id)"
    )
