"""Services of packages, which follow no account and have parameters and a cursor of their own."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trigger_services", sa.Column("parameters", JsonText(), server_default="{}", nullable=False))
    op.add_column("trigger_services", sa.Column("cursor", JsonText(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("trigger_services", "account_id", existing_type=sa.String(36), nullable=True)
        return
    # SQLite makes the table anew to let a column be empty, and sweeps would go with the old one.
    op.execute("CREATE TEMPORARY TABLE kept_sweeps AS SELECT * FROM sweeps")
    with op.batch_alter_table("trigger_services") as batch:
        batch.alter_column("account_id", existing_type=sa.String(36), nullable=True)
    op.execute("DELETE FROM sweeps")
    op.execute("INSERT INTO sweeps SELECT * FROM kept_sweeps")
    op.execute("DROP TABLE kept_sweeps")
