"""Observed isolations and warnings before releases."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.Column("tried_at", Moment(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_reconciliations_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_reconciliations")),
    )
    op.create_table(
        "isolations",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("machine_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("machine_name", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("isolated", sa.Boolean(), nullable=True),
        sa.Column("action_id", sa.Text(), nullable=True),
        sa.Column("requestor", sa.Text(), nullable=True),
        sa.Column("request_source", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("isolation_type", sa.Text(), nullable=True),
        sa.Column("containment_id", sa.String(length=36), nullable=True),
        sa.Column("since", Moment(), nullable=True),
        sa.Column("open_action_id", sa.Text(), nullable=True),
        sa.Column("open_type", sa.Text(), nullable=True),
        sa.Column("open_by", sa.Text(), nullable=True),
        sa.Column("open_since", Moment(), nullable=True),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("drift", sa.Text(), server_default="", nullable=False),
        sa.Column("drift_since", Moment(), nullable=True),
        sa.Column("heard_at", Moment(), nullable=True),
        sa.Column("heard_read_at", Moment(), nullable=True),
        sa.Column("lost_since", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_isolations_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["containment_id"], ["containments.id"], name=op.f("fk_isolations_containment_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_isolations_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "machine_id", name=op.f("pk_isolations")),
    )
    with op.batch_alter_table("isolations", schema=None) as batch_op:
        batch_op.create_index("ix_isolations_state", ["organization_id", "state"], unique=False)

    with op.batch_alter_table("containments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("warned_at", Moment(), nullable=True))
