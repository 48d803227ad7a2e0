"""Forms on tasks of incidents."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incident_tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("form", JsonText(), nullable=True))
        batch_op.add_column(sa.Column("filled", JsonText(), nullable=True))
        batch_op.add_column(sa.Column("ended", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("run_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("key", sa.Text(), nullable=True))
        batch_op.create_index("ux_incident_tasks_key", ["key"], unique=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_incident_tasks_run_id"), "runs", ["run_id"], ["id"], ondelete="SET NULL"
        )
