"""What services of packages brought."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=True),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("outcomes", JsonText(), nullable=False),
        sa.Column("elsewhere", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_service_events_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["trigger_services.id"], name=op.f("fk_service_events_service_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_events")),
        sa.UniqueConstraint("service_id", "digest", name=op.f("uq_service_events_service_id_digest")),
    )
    with op.batch_alter_table("service_events", schema=None) as batch_op:
        batch_op.create_index("ix_service_events_received", ["received_at"], unique=False)
        batch_op.create_index("ix_service_events_service", ["service_id", "id"], unique=False)
