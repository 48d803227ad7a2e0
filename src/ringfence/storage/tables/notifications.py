"""What people are told: channels, what there is to tell, what of it was sent, and the links by which people answer."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

channels = sa.Table(
    "channels",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    # Where it leads to, without what must stay secret; all of the address is in `sealed`.
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    # Only what a rule sends there; else its own list of events counts too.
    sa.Column("by_rules", sa.Boolean, nullable=False, server_default=sa.false()),
    # Who alone reads it: links in it answer in this person's name.
    sa.Column("person", sa.Text),
    # Which events it is told of; empty means all.
    sa.Column("events", JsonText, nullable=False),
    # Seconds between two messages; what comes meanwhile goes into one.
    sa.Column("pause", sa.Float, nullable=False),
    # `22:00-06:00 Europe/Berlin`: then only what is urgent is sent.
    sa.Column("quiet", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("delivered_at", Moment),
    # When it may be written to again, and until when somebody is writing to it.
    sa.Column("next_at", Moment),
    sa.Column("lease_until", Moment),
    sa.UniqueConstraint("organization_id", "name"),
)

# What there is to tell. `key` is how it is told once: the event, the thing, and what tells two events of the thing apart.
notices = sa.Table(
    "notices",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("noun", sa.Text, nullable=False),
    sa.Column("noun_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    # Of the alert and the host that it is about, where it is about one.
    sa.Column("severity", sa.Text, nullable=False, server_default=""),
    sa.Column("device_group", sa.Text, nullable=False, server_default=""),
    # Who has taken it over: nobody is reminded, nor is anybody else told.
    sa.Column("taken_by", sa.Text),
    sa.Column("taken_at", Moment),
    # The page that shows it: a path.
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    # While what is told of stands: how often it was told of again, and when it is looked at next.
    sa.Column("reminders", sa.Integer, nullable=False, server_default="0"),
    sa.Column("remind_at", Moment),
    sa.Column("over_at", Moment),
    sa.UniqueConstraint("organization_id", "key"),
)
sa.Index(
    "ix_notices_remind_at",
    notices.c.remind_at,
    postgresql_where=notices.c.remind_at.is_not(None),
    sqlite_where=notices.c.remind_at.is_not(None),
)
sa.Index("ix_notices_organization_at", notices.c.organization_id, notices.c.at)

# Who is told of what, beside the channels' own lists. Empty lists of kinds and groups mean all; `severity` is the least.
notification_rules = sa.Table(
    "notification_rules",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("events", JsonText, nullable=False),
    sa.Column("severity", sa.Text, nullable=False, server_default=""),
    sa.Column("device_groups", JsonText, nullable=False),
    # Names of channels, people and teams, and mail addresses: {"channels": […], "people": […], "teams": […], "addresses": […]}.
    sa.Column("who", JsonText, nullable=False),
    sa.Column("quiet", sa.Text, nullable=False, server_default=""),
    # Seconds after which others are told too where nobody has taken it over, and who these are.
    sa.Column("escalate_after", sa.Float),
    sa.Column("escalate_to", JsonText, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)

# One notice on its way to one channel; `round` 0 is the first time, 1 the first reminder, -1 when others are told because
# nobody has taken it over. Written with the notice.
outbox = sa.Table(
    "outbox",
    metadata,
    id_column(),
    organization_column(),
    reference("channel_id", "channels.id"),
    reference("notice_id", "notices.id"),
    sa.Column("round", sa.Integer, nullable=False),
    # waiting, sent, dropped or failed.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.UniqueConstraint("channel_id", "notice_id", "round"),
)
sa.Index(
    "ix_outbox_due",
    outbox.c.due_at,
    postgresql_where=outbox.c.state == "waiting",
    sqlite_where=outbox.c.state == "waiting",
)
sa.Index("ix_outbox_notice", outbox.c.notice_id)

# A link answers one question in one person's name in one way, once. What it is signed with is nowhere in the database.
approval_links = sa.Table(
    "approval_links",
    metadata,
    id_column(),
    reference("approval_id", "approvals.id"),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("yes", sa.Boolean, nullable=False),
    # Of the question and the facts that it is bound to.
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.UniqueConstraint("approval_id", "person", "yes"),
)
