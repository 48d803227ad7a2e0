"""Saved filters and chosen columns."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_saved_filters_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_filters_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint(
            "organization_id",
            "user_id",
            "list",
            "name",
            name=op.f("uq_saved_filters_organization_id_user_id_list_name"),
        ),
    )
    op.create_table(
        "list_choices",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("filter_id", sa.String(length=36), nullable=True),
        sa.Column("shown", JsonText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["filter_id"], ["saved_filters.id"], name=op.f("fk_list_choices_filter_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_list_choices_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_list_choices_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("organization_id", "user_id", "list", name=op.f("pk_list_choices")),
    )
    with op.batch_alter_table("list_choices", schema=None) as batch_op:
        batch_op.create_index("ix_list_choices_filter_id", ["filter_id"], unique=False)
