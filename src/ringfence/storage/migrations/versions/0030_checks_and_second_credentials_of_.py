"""Checks and second credentials of accounts."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_credentials",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("secret_expires_on", sa.Date(), nullable=True),
        sa.Column("certificate_thumbprint", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proven_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_credentials_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_account_credentials_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_credentials")),
        sa.UniqueConstraint("account_id", name=op.f("uq_account_credentials_account_id")),
    )
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("graph_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("audience", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("region", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("features", JsonText(), server_default='["contain","write_back","users"]', nullable=False)
        )
        batch_op.add_column(sa.Column("state_since", Moment(), nullable=True))
        batch_op.add_column(sa.Column("other_roles", JsonText(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("checks", JsonText(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("checked_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("check_due_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("refused", JsonText(), server_default="{}", nullable=False))
