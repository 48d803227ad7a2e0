"""Shared rates."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_rates",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_shared_rates")),
    )
    with op.batch_alter_table("shared_rates", schema=None) as batch_op:
        batch_op.create_index("ix_shared_rates_at", ["at"], unique=False)
