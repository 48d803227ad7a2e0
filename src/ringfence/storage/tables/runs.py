"""What was done: runs, their steps, what they wait for and what they said."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

_ROUND = sa.BigInteger().with_variant(sa.Integer, "sqlite")

runs = sa.Table(
    "runs",
    metadata,
    id_column(),
    organization_column(),
    reference("playbook_id", "playbooks.id"),
    reference("playbook_version_id", "playbook_versions.id"),
    reference("account_id", "accounts.id", nullable=True),
    reference("alert_id", "alerts.id", nullable=True),
    sa.Column("alert_version", sa.Integer),
    sa.Column("cause_key", sa.Text, nullable=False),
    sa.Column("trigger", JsonText, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    # Who carries the run: segment numbers the workflows, fence numbers the holders, nudges count the reasons to look again.
    sa.Column("segment", sa.Integer, nullable=False, server_default="0"),
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("nudges", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment),
    # While later alerts may join the run: what they must have in common with the first, and until when. A run that
    # gathers alerts before it begins is not taken before `not_before`.
    sa.Column("fold_key", sa.Text),
    sa.Column("fold_until", Moment),
    sa.Column("not_before", Moment),
    # Somebody wants it to end before its time; and a playbook's limits: when it was let in, since when it waits for that.
    sa.Column("cancel_requested_at", Moment),
    sa.Column("cancel_requested_by", sa.Text),
    sa.Column("cancel_reason", sa.Text),
    sa.Column("admitted_at", Moment),
    sa.Column("held_since", Moment),
    # For people who look for runs: what started it, and the machine that it is about.
    sa.Column("trigger_kind", sa.Text, nullable=False, server_default=""),
    sa.Column("machine_id", sa.Text),
    # In whose name it acts: a person or a service of ours, who came by `run_via` with the credential of that name.
    sa.Column("run_as", sa.Text, nullable=False, server_default="Ringfence"),
    sa.Column("run_as_kind", sa.Text, nullable=False, server_default="service"),
    sa.Column("run_via", sa.Text, nullable=False, server_default="engine"),
    sa.Column("run_credential", sa.Text, nullable=False, server_default=""),
    # A re-run: of which run, of which one in the end, and from which steps on (NULL: from the start).
    sa.Column("rerun_of", sa.String(36)),
    sa.Column("original_id", sa.String(36)),
    sa.Column("rerun_from", JsonText),
    # What a success spared people; NULL where it spared nothing, or where another run of the same cause counts already.
    sa.Column("minutes_saved", sa.Float),
    sa.UniqueConstraint("playbook_id", "cause_key"),
)
sa.Index("ux_runs_fold_key", runs.c.fold_key, unique=True)
sa.Index("ix_runs_organization_requested", runs.c.organization_id, runs.c.requested_at, runs.c.id)
sa.Index("ix_runs_organization_status", runs.c.organization_id, runs.c.status, runs.c.requested_at, runs.c.id)
sa.Index("ix_runs_status", runs.c.status, runs.c.lease_until)
sa.Index("ix_runs_alert", runs.c.alert_id)
sa.Index("ix_runs_machine", runs.c.machine_id, runs.c.requested_at, runs.c.id)
sa.Index("ix_runs_playbook", runs.c.playbook_id, runs.c.requested_at, runs.c.id)
# What they spared is added up from this alone.
sa.Index(
    "ix_runs_saved",
    runs.c.playbook_id,
    runs.c.finished_at,
    runs.c.minutes_saved,
    postgresql_where=runs.c.minutes_saved.is_not(None),
    sqlite_where=runs.c.minutes_saved.is_not(None),
)
sa.Index(
    "ix_runs_held",
    runs.c.playbook_id,
    runs.c.held_since,
    postgresql_where=runs.c.held_since.is_not(None),
    sqlite_where=runs.c.held_since.is_not(None),
)
sa.Index("ix_runs_finished", runs.c.status, runs.c.finished_at)
sa.Index("ix_runs_rerun_of", runs.c.rerun_of)
sa.Index("ix_runs_original", runs.c.original_id)

# What runs spared people that retention has deleted since, by playbook and day.
time_saved = sa.Table(
    "time_saved",
    metadata,
    sa.Column(
        "organization_id", sa.String(36), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("playbook_id", sa.String(36), sa.ForeignKey("playbooks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("minutes", sa.Float, nullable=False),
)

# What an hour of people's work costs an organization, by which time is shown as money.
hourly_rates = sa.Table(
    "hourly_rates",
    metadata,
    sa.Column(
        "organization_id", sa.String(36), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("rate", sa.Float, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
)

# The alerts that a run is about: the one that started it, and those that joined it since.
run_alerts = sa.Table(
    "run_alerts",
    metadata,
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("alert_version", sa.Integer, primary_key=True),
    sa.Column("joined_at", Moment, nullable=False),
)
sa.Index("ix_run_alerts_alert", run_alerts.c.alert_id)

step_runs = sa.Table(
    "step_runs",
    metadata,
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    # Its round: 0 outside of loops, else which item of which, ten bits for each (`playbooks.rounds`).
    sa.Column("iteration", _ROUND, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("input", JsonText),
    sa.Column("output", JsonText),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    # Of a step that waits: what it wants to find again, and when it is looked at next; `wakes` has on which change.
    sa.Column("state", JsonText),
    sa.Column("wake_at", Moment),
    # The attempts that are over, each with its times and its error; and when the one that goes on began.
    sa.Column("attempts", JsonText),
    sa.Column("attempt_started_at", Moment),
    # Of a step that failed: the code of its error (several with commas between them), and whether trying again cannot help.
    sa.Column("error_code", sa.Text, nullable=False, server_default=""),
    sa.Column("permanent", sa.Boolean),
)
sa.Index(
    "ix_step_runs_wake_at",
    step_runs.c.wake_at,
    postgresql_where=step_runs.c.wake_at.is_not(None),
    sqlite_where=step_runs.c.wake_at.is_not(None),
)

# A step that waits for a change of `topic` (`containment:ID`), and the number of the newest change when it began to wait.
wakes = sa.Table(
    "wakes",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("iteration", _ROUND, primary_key=True, server_default="0"),
    sa.Column("after_change", sa.BigInteger, nullable=False),
)
sa.Index("ix_wakes_run", wakes.c.run_id)

run_logs = sa.Table(
    "run_logs",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    reference("run_id", "runs.id"),
    sa.Column("step", sa.Text),
    sa.Column("at", Moment, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("fields", JsonText, nullable=False),
)
sa.Index("ix_run_logs_run", run_logs.c.run_id, run_logs.c.id)
