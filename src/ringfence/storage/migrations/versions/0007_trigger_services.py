"""Trigger services."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trigger_services",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), server_default="defender", nullable=False),
        sa.Column("interval", sa.Text(), server_default="", nullable=False),
        sa.Column("history", sa.Text(), server_default="", nullable=False),
        sa.Column("start_at_once", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("updates", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("max_restarts", sa.Integer(), server_default="3", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("state", sa.Text(), server_default="starting", nullable=False),
        sa.Column("state_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("poll_error", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("watermark", Moment(), nullable=True),
        sa.Column("polled_at", Moment(), nullable=True),
        sa.Column("next_poll_at", Moment(), nullable=True),
        sa.Column("lag", sa.Float(), nullable=True),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("misses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("errors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("activated_at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_trigger_services_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_trigger_services_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger_services")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_trigger_services_organization_id_name")),
    )
    with op.batch_alter_table("trigger_services", schema=None) as batch_op:
        batch_op.create_index("ix_trigger_services_account", ["account_id"], unique=False)

    op.create_table(
        "awaited_alerts",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("playbook_version_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=True),
        sa.Column("until", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_awaited_alerts_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_awaited_alerts_alert_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["playbook_version_id"],
            ["playbook_versions.id"],
            name=op.f("fk_awaited_alerts_playbook_version_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("alert_id", "playbook_version_id", "version", name=op.f("pk_awaited_alerts")),
    )
    with op.batch_alter_table("awaited_alerts", schema=None) as batch_op:
        batch_op.create_index("ix_awaited_alerts_account", ["account_id", "until"], unique=False)

    # What was followed so far goes on where it stands, under the account's name.
    op.execute(
        sa.text(
            "INSERT INTO trigger_services (id, organization_id, account_id, name, poll_error, watermark, polled_at,"
            " activated_at, created_at, updated_at)"
            " SELECT id, organization_id, id, name, poll_error, watermark, polled_at, created_at, created_at, created_at"
            " FROM accounts"
        )
    )
