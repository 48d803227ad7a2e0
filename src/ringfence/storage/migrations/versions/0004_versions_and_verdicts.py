"""Versions say what changed, verdicts why runs were asked for."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trigger_sets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("triggers", JsonText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_trigger_sets_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger_sets")),
    )
    op.create_table(
        "alert_writes",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", JsonText(), nullable=True),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("shown_in", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_alert_writes_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "alert_id", "key", "field", name=op.f("pk_alert_writes")),
    )
    with op.batch_alter_table("alert_writes", schema=None) as batch_op:
        batch_op.create_index("ix_alert_writes_written", ["written_at"], unique=False)

    op.create_table(
        "alert_verdicts",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.String(length=32), nullable=False),
        sa.Column("letters", sa.Text(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_verdicts_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alert_id", "version", name=op.f("pk_alert_verdicts")),
    )
    with op.batch_alter_table("alert_verdicts", schema=None) as batch_op:
        batch_op.create_index("ix_alert_verdicts_decided", ["decided_at"], unique=False)

    op.create_table(
        "run_alerts",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("alert_version", sa.Integer(), nullable=False),
        sa.Column("joined_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_run_alerts_alert_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_alerts_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "alert_id", "alert_version", name=op.f("pk_run_alerts")),
    )
    with op.batch_alter_table("run_alerts", schema=None) as batch_op:
        batch_op.create_index("ix_run_alerts_alert", ["alert_id"], unique=False)

    with op.batch_alter_table("alert_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("standing", sa.Text(), server_default="news", nullable=False))
        batch_op.add_column(sa.Column("transitions", JsonText(), nullable=True))
        batch_op.add_column(sa.Column("compared_with", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("difference", JsonText(), nullable=True))

    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fold_key", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("fold_until", Moment(), nullable=True))
        batch_op.add_column(sa.Column("not_before", Moment(), nullable=True))
        batch_op.create_index("ux_runs_fold_key", ["fold_key"], unique=True)

    op.execute(
        "INSERT INTO run_alerts (run_id, alert_id, alert_version, joined_at) "
        "SELECT id, alert_id, COALESCE(alert_version, 1), requested_at FROM runs WHERE alert_id IS NOT NULL"
    )
