"""Executions as people look at them."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText, Moment

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hourly_rates",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_hourly_rates_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_hourly_rates")),
    )
    op.create_table(
        "time_saved",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("playbook_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_time_saved_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["playbook_id"], ["playbooks.id"], name=op.f("fk_time_saved_playbook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "playbook_id", "day", name=op.f("pk_time_saved")),
    )
    with op.batch_alter_table("playbook_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("minutes_saved", sa.Float(), nullable=True))

    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("trigger_kind", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("machine_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("run_as", sa.Text(), server_default="Ringfence", nullable=False))
        batch_op.add_column(sa.Column("run_as_kind", sa.Text(), server_default="service", nullable=False))
        batch_op.add_column(sa.Column("run_via", sa.Text(), server_default="engine", nullable=False))
        batch_op.add_column(sa.Column("run_credential", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("rerun_of", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("original_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("rerun_from", JsonText(), nullable=True))
        batch_op.add_column(sa.Column("minutes_saved", sa.Float(), nullable=True))
        batch_op.create_index("ix_runs_finished", ["status", "finished_at"], unique=False)
        batch_op.create_index("ix_runs_original", ["original_id"], unique=False)
        batch_op.create_index("ix_runs_rerun_of", ["rerun_of"], unique=False)

    with op.batch_alter_table("step_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempts", JsonText(), nullable=True))
        batch_op.add_column(sa.Column("attempt_started_at", Moment(), nullable=True))

    _fill_in(op.get_bind())
    op.execute(
        "UPDATE runs SET machine_id = (SELECT alerts.machine_id FROM alerts WHERE alerts.id = runs.alert_id) "
        "WHERE machine_id IS NULL AND alert_id IS NOT NULL"
    )


def _fill_in(connection: sa.Connection) -> None:
    """Note what started the runs that are there already, and in whose name, as far as their triggers say."""
    # Not in SQL: PostgreSQL cannot read a document in which a NUL is escaped.
    runs = sa.table(
        "runs",
        sa.column("id", sa.String),
        sa.column("trigger", JsonText),
        *(sa.column(name, sa.Text) for name in ("trigger_kind", "machine_id", "run_as", "run_as_kind")),
    )
    last = ""
    while found := connection.execute(
        sa.select(runs.c.id, runs.c.trigger).where(runs.c.id > last).order_by(runs.c.id).limit(1000)
    ).all():
        last = found[-1].id
        for run_id, trigger in found:
            seen = trigger if isinstance(trigger, dict) else {}
            values = {"trigger_kind": str(seen.get("type", ""))}
            if isinstance(seen.get("machine_id"), str):
                values["machine_id"] = seen["machine_id"]
            if values["trigger_kind"] == "manual":
                values |= {"run_as": str(seen.get("by", "")), "run_as_kind": "person"}
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(values))
