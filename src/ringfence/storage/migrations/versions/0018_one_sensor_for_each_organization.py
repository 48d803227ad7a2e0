"""One containment sensor for each organization: the account that it connected first, where it has several."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sensor", sa.Boolean(), server_default=sa.false(), nullable=False))
    accounts = sa.table(
        "accounts", sa.column("id"), sa.column("organization_id"), sa.column("created_at"), sa.column("sensor")
    )
    earlier = accounts.alias()
    before = sa.or_(
        earlier.c.created_at < accounts.c.created_at,
        sa.and_(earlier.c.created_at == accounts.c.created_at, earlier.c.id < accounts.c.id),
    )
    first = ~sa.exists().where(earlier.c.organization_id == accounts.c.organization_id, before)
    op.execute(sa.update(accounts).where(first).values(sensor=sa.true()))
    op.create_index(
        "uq_accounts_sensor",
        "accounts",
        ["organization_id"],
        unique=True,
        sqlite_where=sa.text("sensor IS 1"),
        postgresql_where=sa.text("sensor IS true"),
    )
