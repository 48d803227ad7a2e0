"""What is tried of playbooks in the worker: proofs of their release, backtests, and rehearsals in the simulator."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

trials = sa.Table(
    "trials",
    metadata,
    id_column(),
    organization_column(),
    # proof, backtest or rehearsal.
    sa.Column("kind", sa.Text, nullable=False),
    # The playbook's name; what is tried may be a draft, or a text that is kept nowhere else.
    sa.Column("playbook", sa.Text, nullable=False),
    reference("version_id", "playbook_versions.id", nullable=True),
    # The text, and its SHA-256, by which a proof is found again for a version that is published later.
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("options", JsonText, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # So much of so much is done; 0 of 0 where that is not known.
    sa.Column("progress", sa.Integer, nullable=False, server_default="0"),
    sa.Column("total", sa.Integer, nullable=False, server_default="0"),
    # Of a proof: whether the release is proven.
    sa.Column("proven", sa.Boolean),
    sa.Column("result", JsonText),
    # Why it failed, or why it is not proven.
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment),
)
sa.Index("ix_trials_playbook", trials.c.organization_id, trials.c.playbook, trials.c.requested_at)
sa.Index("ix_trials_sha256", trials.c.organization_id, trials.c.sha256)
sa.Index("ix_trials_version", trials.c.version_id)
sa.Index(
    "ix_trials_open",
    trials.c.requested_at,
    postgresql_where=trials.c.finished_at.is_(None),
    sqlite_where=trials.c.finished_at.is_(None),
)
