"""Mailboxes that are listened to, and the messages that were seen in them."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    # implicit: TLS from the first byte; starttls: begun before anything else is said.
    sa.Column("tls", sa.Text, nullable=False),
    sa.Column("ca", sa.Text),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("password_sealed", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    # seen, keep or move: what becomes of a message once its runs are requested.
    sa.Column("afterwards", sa.Text, nullable=False),
    sa.Column("move_to", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    # The cursor: a server that renumbers its messages changes uid_validity.
    sa.Column("uid_validity", sa.BigInteger),
    sa.Column("last_uid", sa.BigInteger),
    sa.Column("read_at", Moment),
    sa.UniqueConstraint("organization_id", "name"),
)

mailbox_messages = sa.Table(
    "mailbox_messages",
    metadata,
    id_column(),
    reference("mailbox_id", "mailboxes.id"),
    sa.Column("uid_validity", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("outcomes", JsonText, nullable=False),
    # Whether the message was marked or moved as the mailbox says.
    sa.Column("settled", sa.Boolean, nullable=False),
    sa.UniqueConstraint("mailbox_id", "uid_validity", "uid"),
)
sa.Index("ix_mailbox_messages_fingerprint", mailbox_messages.c.mailbox_id, mailbox_messages.c.fingerprint)
