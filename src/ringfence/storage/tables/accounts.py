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
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_reason", sa.Text, nullable=False),
    sa.Column("roles", JsonText, nullable=False),
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
