"""Who works with it, and for whom: organizations, users and how they sign in."""

import sqlalchemy as sa

from ringfence.storage.columns import Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

organizations = sa.Table(
    "organizations",
    metadata,
    id_column(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    # `active`, `frozen` or `closed`, and why.
    sa.Column("state", sa.Text, nullable=False, server_default="active"),
    sa.Column("state_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("state_since", Moment),
)

# `organization_id` is where somebody was first made known; where they may work is in `memberships`.
users = sa.Table(
    "users",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text),
    sa.Column("system_administrator", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", Moment, nullable=False),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("user_id", sa.String(36), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "organization_id", sa.String(36), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_memberships_organization_id", "organization_id"),
)

# Sign-in links and sessions are known by the SHA-256 of what the browser holds.
sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    reference("user_id", "users.id"),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    reference("user_id", "users.id"),
    # Where this browser works now; none until its person, who may work in several, has chosen.
    reference("organization_id", "organizations.id", nullable=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    # Nobody is signed in by it after `idle_until` either, which each use moves on by `idle_seconds`.
    sa.Column("idle_seconds", sa.Integer),
    sa.Column("idle_until", Moment),
    sa.Column("seen_at", Moment),
    # When the person last proved who they are, which what cannot be taken back asks for.
    sa.Column("authenticated_at", Moment),
    sa.Column("how", sa.Text, nullable=False, server_default="password"),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("agent", sa.Text, nullable=False, server_default=""),
    # Where they signed in, if at a provider of identities.
    sa.Column("provider_id", sa.String(36)),
)
