"""What else was done to hosts and to what Defender watches for, for whom, and how it came to that."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

responses = sa.Table(
    "responses",
    metadata,
    id_column(),
    organization_column(),
    reference("account_id", "accounts.id"),
    sa.Column("request_key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    # What two responses that are not over cannot share: account, machine and kind, and the file of a quarantine.
    sa.Column("live_key", sa.Text, unique=True),
    # The response that had done the same already, and holds it for this one too.
    sa.Column("joined_id", sa.String(36), sa.ForeignKey("responses.id", ondelete="SET NULL")),
    # As it was asked for; empty where it is about no host.
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("machine_id", sa.Text),
    sa.Column("machine_name", sa.Text),
    sa.Column("device_group", sa.Text),
    # What is done exactly: the file, the kind of scan, the indicators.
    sa.Column("parameters", JsonText, nullable=False),
    # How many limits of policy count it as: one, or the number of indicators.
    sa.Column("weight", sa.Integer, nullable=False, server_default="1"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    reference("run_id", "runs.id", nullable=True),
    reference("alert_id", "alerts.id", nullable=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("verdict", JsonText),
    sa.Column("action_id", sa.Text),
    sa.Column("undo_action_id", sa.Text),
    # What Defender made of it: the machine action as last seen, or the indicators.
    sa.Column("made", JsonText),
    sa.Column("undo_after", sa.Float),
    sa.Column("deadline_at", Moment, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("decided_at", Moment),
    sa.Column("submitted_at", Moment),
    sa.Column("accepted_at", Moment),
    sa.Column("done_at", Moment),
    # When it ends by itself: an indicator's expiry, or the timer of a restriction.
    sa.Column("ends_at", Moment),
    # When who asked for it let go of it; it is undone when the last has.
    sa.Column("let_go_at", Moment),
    sa.Column("undo_requested_at", Moment),
    sa.Column("undo_submitted_at", Moment),
    sa.Column("undone_at", Moment),
    sa.Column("finished_at", Moment),
    # Who drives it now, and when it is looked at next.
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Moment),
    sa.Column("next_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
)
sa.Index("ix_responses_organization_requested", responses.c.organization_id, responses.c.requested_at)
sa.Index(
    "ix_responses_next_at",
    responses.c.next_at,
    postgresql_where=responses.c.next_at.is_not(None),
    sqlite_where=responses.c.next_at.is_not(None),
)
sa.Index("ix_responses_machine", responses.c.account_id, responses.c.machine_id)
sa.Index("ix_responses_joined", responses.c.joined_id)

# Each transition, written in the transaction that makes it.
response_events = sa.Table(
    "response_events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    reference("response_id", "responses.id"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("facts", JsonText),
)
sa.Index("ix_response_events_response", response_events.c.response_id, response_events.c.id)
