"""With which credentials Microsoft is asked."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column

accounts = sa.Table(
    "accounts",
    metadata,
    id_column(),
    organization_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("cloud", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.Text, nullable=False),
    sa.Column("secret_expires_on", sa.Date),
    # What is sealed is a private key with its certificate; NULL where it is a client secret.
    sa.Column("certificate_thumbprint", sa.Text),
    # Only for a simulator or a proxy on this machine: where to sign in and call instead of the cloud's own hosts.
    sa.Column("login_url", sa.Text),
    sa.Column("api_url", sa.Text),
    sa.Column("graph_url", sa.Text),
    # What tokens for Defender are for, where it is not what the cloud has.
    sa.Column("audience", sa.Text),
    # The API host that is nearest, of those that the cloud has.
    sa.Column("region", sa.Text),
    # What people want the account for; which permissions it needs follows from them.
    sa.Column("features", JsonText, nullable=False, server_default='["contain","write_back","users"]'),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_reason", sa.Text, nullable=False),
    sa.Column("state_since", Moment),
    sa.Column("roles", JsonText, nullable=False),
    # The roles in the tokens for other APIs than Defender for Endpoint, as far as they were asked for.
    sa.Column("other_roles", JsonText, nullable=False, server_default="{}"),
    # What the last check found, for people, and when the next one is due; NULL is at once.
    sa.Column("checks", JsonText, nullable=False, server_default="[]"),
    sa.Column("checked_at", Moment),
    sa.Column("check_due_at", Moment),
    # Permissions without which Defender refused a call lately: when.
    sa.Column("refused", JsonText, nullable=False, server_default="{}"),
    sa.Column("proven_at", Moment),
    # Whether hosts of the organization are contained through it: at most one account of an organization does.
    sa.Column("sensor", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("organization_id", "name"),
)
sa.Index(
    "uq_accounts_sensor",
    accounts.c.organization_id,
    unique=True,
    sqlite_where=accounts.c.sensor.is_(True),
    postgresql_where=accounts.c.sensor.is_(True),
)

account_credentials = sa.Table(
    "account_credentials",
    metadata,
    id_column(),
    organization_column(),
    # At most one beside the one that the account uses, whose values lie in its own row.
    sa.Column(
        "account_id", sa.String(36), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, unique=True
    ),
    # new: added, not proven; proven: ready to be switched to; old: it was used until the switch.
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.Text, nullable=False),
    sa.Column("secret_expires_on", sa.Date),
    sa.Column("certificate_thumbprint", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("proven_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)
"""The credential beside the one that an account uses: a new one that is to be proven first, or the old one."""
