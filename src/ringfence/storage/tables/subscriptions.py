"""Who is told of changes by webhook: subscriptions, the secrets that sign, and each message on its way."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    # Kinds of events, or `noun.*`; empty means all.
    sa.Column("events", JsonText, nullable=False),
    # on, paused by a person, or disabled because nobody took what was sent.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failing_since", Moment),
    sa.Column("delivered_at", Moment),
    # When it may be sent to again, and until when somebody is sending to it.
    sa.Column("next_at", Moment),
    sa.Column("lease_until", Moment),
    sa.UniqueConstraint("organization_id", "name"),
)

# Several sign at once while one takes over from the other.
subscription_secrets = sa.Table(
    "subscription_secrets",
    metadata,
    id_column(),
    reference("subscription_id", "subscriptions.id"),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
)
sa.Index("ix_subscription_secrets_subscription", subscription_secrets.c.subscription_id)

# `change` is the number in the change feed, by which one is told of once; a test has none.
subscription_messages = sa.Table(
    "subscription_messages",
    metadata,
    id_column(),
    organization_column(),
    reference("subscription_id", "subscriptions.id"),
    sa.Column("change", sa.BigInteger),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", JsonText, nullable=False),
    # waiting, delivered or failed.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("delivered_at", Moment),
    # The newest attempts: when, the status that came or what went wrong, how many seconds it took.
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("log", JsonText, nullable=False),
    sa.UniqueConstraint("subscription_id", "change"),
)
sa.Index(
    "ix_subscription_messages_waiting",
    subscription_messages.c.subscription_id,
    subscription_messages.c.created_at,
    postgresql_where=subscription_messages.c.state == "waiting",
    sqlite_where=subscription_messages.c.state == "waiting",
)
sa.Index(
    "ix_subscription_messages_created", subscription_messages.c.subscription_id, subscription_messages.c.created_at
)
