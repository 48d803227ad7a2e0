"""Problems of services by kind."""

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trigger_services", schema=None) as batch_op:
        batch_op.add_column(sa.Column("problems", JsonText(), server_default="{}", nullable=False))
        batch_op.drop_column("problem")
