"""Apps and pools of services."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "apps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("installed", sa.Boolean(), nullable=False),
        sa.Column("everybody", sa.Boolean(), nullable=False),
        sa.Column("organizations", JsonText(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps")),
    )
    with op.batch_alter_table("trigger_services", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pool", sa.Text(), server_default="default", nullable=False))
        batch_op.add_column(sa.Column("notify_to", JsonText(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("everybody", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("shared_with", JsonText(), server_default="[]", nullable=False))

    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pools", JsonText(), server_default='["default"]', nullable=False))
