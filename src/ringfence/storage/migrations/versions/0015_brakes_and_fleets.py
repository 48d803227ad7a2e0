"""Brakes and fleets."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brake_lifts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("lifted_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_brake_lifts_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brake_lifts")),
    )
    with op.batch_alter_table("brake_lifts", schema=None) as batch_op:
        batch_op.create_index("ix_brake_lifts_organization", ["organization_id", "lifted_at"], unique=False)

    op.create_table(
        "fleets",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("onboarded", sa.Integer(), nullable=True),
        sa.Column("counted_at", Moment(), nullable=True),
        sa.Column("tried_at", Moment(), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_fleets_account_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_fleets")),
    )
    op.create_table(
        "brakes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("containment_id", sa.String(length=36), nullable=True),
        sa.Column("tripped_at", Moment(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("refused_at", Moment(), nullable=False),
        sa.Column("opens_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["containment_id"], ["containments.id"], name=op.f("fk_brakes_containment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_brakes_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brakes")),
        sa.UniqueConstraint("open_key", name=op.f("uq_brakes_open_key")),
    )
    with op.batch_alter_table("brakes", schema=None) as batch_op:
        batch_op.create_index("ix_brakes_organization", ["organization_id", "tripped_at"], unique=False)

    with op.batch_alter_table("containments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("forced", sa.Boolean(), server_default=sa.false(), nullable=False))
