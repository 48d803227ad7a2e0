"""Accounts without cursors."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: copying the table would, on SQLite, take along everything that refers to it.
    for name in ("watermark", "polled_at", "poll_error"):
        op.drop_column("accounts", name)
