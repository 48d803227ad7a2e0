"""Rules of notification."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notification_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("events", JsonText(), nullable=False),
        sa.Column("severity", sa.Text(), server_default="", nullable=False),
        sa.Column("device_groups", JsonText(), nullable=False),
        sa.Column("who", JsonText(), nullable=False),
        sa.Column("quiet", sa.Text(), server_default="", nullable=False),
        sa.Column("escalate_after", sa.Float(), nullable=True),
        sa.Column("escalate_to", JsonText(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_notification_rules_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_rules")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_notification_rules_organization_id_name")),
    )
    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_rules", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("severity", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("device_group", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("taken_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("taken_at", Moment(), nullable=True))
