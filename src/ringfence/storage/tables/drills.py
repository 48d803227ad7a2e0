"""Rehearsals: on which devices, when, and how they went."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

# Devices on which a rehearsal may be held; no other is ever rehearsed on.
drill_devices = sa.Table(
    "drill_devices",
    metadata,
    organization_column(),
    sa.Column("machine_id", sa.Text, nullable=False),
    reference("account_id", "accounts.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("device_group", sa.Text),
    sa.Column("os_platform", sa.Text),
    sa.Column("added_by", sa.Text, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "machine_id"),
)

drills = sa.Table(
    "drills",
    metadata,
    id_column(),
    organization_column(),
    reference("account_id", "accounts.id"),
    sa.Column("machine_id", sa.Text, nullable=False),
    sa.Column("machine_name", sa.Text, nullable=False),
    sa.Column("device_group", sa.Text),
    sa.Column("os_platform", sa.Text),
    # `organization:machine` while it goes on, else null: one drill at a time on a device.
    sa.Column("open_key", sa.Text, unique=True),
    sa.Column("playbook", sa.Text, nullable=False),
    # Whether the test alert comes from a real device, or is put into a simulator.
    sa.Column("real", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("steps", JsonText, nullable=False),
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="SET NULL")),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="SET NULL")),
    sa.Column("containment_id", sa.String(36), sa.ForeignKey("containments.id", ondelete="SET NULL")),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("injected_at", Moment),
    sa.Column("deadline_at", Moment, nullable=False),
    sa.Column("aborted_by", sa.Text),
    sa.Column("finished_at", Moment),
    # When it is looked at next; who looks moves it on first, so that no two do at once.
    sa.Column("next_at", Moment),
)
sa.Index("ix_drills_organization_started", drills.c.organization_id, drills.c.started_at)
sa.Index("ix_drills_next_at", drills.c.next_at)
sa.Index("ix_drills_alert", drills.c.alert_id)

drill_schedules = sa.Table(
    "drill_schedules",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("machine_id", sa.Text, nullable=False),
    sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("cron", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("patience", sa.Float, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("next_at", Moment),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
)
