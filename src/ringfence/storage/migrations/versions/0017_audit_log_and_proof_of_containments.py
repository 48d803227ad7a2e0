"""Audit log and proof of containments."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "number", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_audit_entries_subject", ["organization_id", "subject", "subject_id", "number"], unique=False
        )

    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "containment_exchanges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("containment_id", sa.String(length=36), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("elapsed", sa.Float(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=False),
        sa.Column("request_size", sa.Integer(), nullable=False),
        sa.Column("reply_body", sa.Text(), nullable=False),
        sa.Column("reply_size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["containment_id"],
            ["containments.id"],
            name=op.f("fk_containment_exchanges_containment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_containment_exchanges")),
    )
    with op.batch_alter_table("containment_exchanges", schema=None) as batch_op:
        batch_op.create_index("ix_containment_exchanges_at", ["at"], unique=False)
        batch_op.create_index("ix_containment_exchanges_containment", ["containment_id", "id"], unique=False)

    op.create_table(
        "containment_reports",
        sa.Column("containment_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("written_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["containment_id"],
            ["containments.id"],
            name=op.f("fk_containment_reports_containment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("containment_id", "kind", name=op.f("pk_containment_reports")),
    )
    with op.batch_alter_table("containment_reports", schema=None) as batch_op:
        batch_op.create_index(
            "ix_containment_reports_next_at",
            ["next_at"],
            unique=False,
            postgresql_where=sa.text("next_at IS NOT NULL"),
            sqlite_where=sa.text("next_at IS NOT NULL"),
        )
