"""Cancelling, limits and loops of runs: a step may wait in each of its rounds."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cancel_requested_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("cancel_requested_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("cancel_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("admitted_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("held_since", Moment(), nullable=True))
    op.create_index(
        "ix_runs_held",
        "runs",
        ["playbook_id", "held_since"],
        unique=False,
        sqlite_where=sa.text("held_since IS NOT NULL"),
        postgresql_where=sa.text("held_since IS NOT NULL"),
    )
    with op.batch_alter_table("wakes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("iteration", sa.Integer(), server_default="0", nullable=False))
        batch_op.drop_constraint("pk_wakes", type_="primary")
        batch_op.create_primary_key("pk_wakes", ["topic", "run_id", "step", "iteration"])
