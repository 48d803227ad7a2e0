"""Sources of versions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("alert_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), server_default="defender", nullable=False))
        batch_op.add_column(sa.Column("mark", sa.String(length=32), server_default="", nullable=False))
        batch_op.add_column(sa.Column("found_by", sa.Text(), server_default="poll", nullable=False))
