"""Where messages from outside come in: webhooks, the secrets that sign them, and what came."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

webhooks = sa.Table(
    "webhooks",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    # For how many seconds a sender waits for what a playbook answers; 0: not at all.
    sa.Column("answer_within", sa.Float, nullable=False, server_default="0"),
    # Where it is off, senders are told the same as at an address that is not there.
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.UniqueConstraint("organization_id", "name"),
)

# Several are valid at once while one takes over from the other.
webhook_secrets = sa.Table(
    "webhook_secrets",
    metadata,
    id_column(),
    reference("webhook_id", "webhooks.id"),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
)
sa.Index("ix_webhook_secrets_webhook", webhook_secrets.c.webhook_id)

webhook_deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    id_column(),
    reference("webhook_id", "webhooks.id"),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    # Of each playbook that listens: whether it was started, by which run, and why not.
    sa.Column("outcomes", JsonText, nullable=False),
    sa.UniqueConstraint("webhook_id", "message_id"),
)
sa.Index("ix_webhook_deliveries_received", webhook_deliveries.c.webhook_id, webhook_deliveries.c.received_at)

# What was refused, the newest of each webhook one by one; never what was in it.
webhook_refusals = sa.Table(
    "webhook_refusals",
    metadata,
    id_column(),
    organization_column(),
    reference("webhook_id", "webhooks.id"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger),
)
sa.Index("ix_webhook_refusals_webhook", webhook_refusals.c.webhook_id, webhook_refusals.c.id)
sa.Index("ix_webhook_refusals_at", webhook_refusals.c.at)

# How many were refused on a day, and how many of these were counted only.
webhook_refusal_days = sa.Table(
    "webhook_refusal_days",
    metadata,
    organization_column(),
    sa.Column("webhook_id", sa.String(36), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("reason", sa.String(40), primary_key=True),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("dropped", sa.BigInteger, nullable=False),
)

# What a playbook answered to a message, once.
webhook_replies = sa.Table(
    "webhook_replies",
    metadata,
    sa.Column(
        "delivery_id", sa.String(36), sa.ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("effect_key", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("body", JsonText, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
