"""How people and programs prove who they are, besides a password: second factors, tokens, providers, and what is tried."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

# What was tried in vain, by the SHA-256 of a name, an address or a browser: whoever types a password as a name is not kept.
sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("wait_until", Moment),
)
sa.Index("ix_sign_in_failures_last_at", sign_in_failures.c.last_at)

# A sign-in that is under way: after the password and before the code, or away at a provider. Known by what the browser holds.
sign_in_steps = sa.Table(
    "sign_in_steps",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    reference("user_id", "users.id", nullable=True),
    sa.Column("facts", JsonText, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)

# One authenticator app for each person; `last_step` is the newest time step whose code was used, which is never taken again.
second_factors = sa.Table(
    "second_factors",
    metadata,
    reference("user_id", "users.id"),
    sa.Column("sealed_secret", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("confirmed_at", Moment),
    sa.Column("last_step", sa.BigInteger),
    sa.PrimaryKeyConstraint("user_id"),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    reference("user_id", "users.id"),
    sa.Column("code_hash", sa.String(64), nullable=False),
    sa.Column("used_at", Moment),
    sa.PrimaryKeyConstraint("user_id", "code_hash"),
)

# What an organization demands of its people beyond what the installation does.
sign_in_rules = sa.Table(
    "sign_in_rules",
    metadata,
    organization_column(),
    sa.Column("second_factor", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("organization_id"),
)

# A personal token acts for its user with what the scopes leave of the user's role; a service token has a role of its own.
api_tokens = sa.Table(
    "api_tokens",
    metadata,
    id_column(),
    organization_column(),
    reference("user_id", "users.id", nullable=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text),
    sa.Column("scopes", JsonText, nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("ending", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Column("used_from", sa.Text),
    sa.Column("revoked_at", Moment),
    sa.Column("revoked_by", sa.Text),
)
sa.Index("ix_api_tokens_organization_id", api_tokens.c.organization_id)

# OpenID Connect. `mapping` says which group is which role in which organization; nobody else is let in unless `default_role` is.
identity_providers = sa.Table(
    "identity_providers",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("sealed_secret", sa.Text),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("groups_claim", sa.Text, nullable=False),
    sa.Column("name_claim", sa.Text, nullable=False),
    sa.Column("domains", JsonText, nullable=False),
    sa.Column("button", sa.Boolean, nullable=False),
    sa.Column("mapping", JsonText, nullable=False),
    sa.Column("default_role", sa.Text),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    # When it answered as a provider does, and why it could not be used the last time that it could not.
    sa.Column("tested_at", Moment),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("error_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)

# Who somebody is at a provider. Only issuer and subject link an account, never a name or an address of mail.
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    reference("user_id", "users.id"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=False),
)
