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
)

users = sa.Table(
    "users",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
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
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)
