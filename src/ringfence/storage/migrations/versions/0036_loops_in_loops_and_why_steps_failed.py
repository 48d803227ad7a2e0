"""Loops in loops, whose rounds are larger numbers, and why steps failed."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("step_runs", sa.Column("error_code", sa.Text(), server_default="", nullable=False))
    op.add_column("step_runs", sa.Column("permanent", sa.Boolean(), nullable=True))
    # SQLite keeps whole numbers of 64 bits in any column.
    if op.get_bind().dialect.name == "postgresql":
        for table in ("step_runs", "wakes", "attachments"):
            op.alter_column(table, "iteration", type_=sa.BigInteger(), existing_nullable=False)
