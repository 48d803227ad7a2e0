"""Quick pages: indexes of what they ask for, of the texts of containments and incidents, and figures of days that are over."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from ringfence.storage.columns import JsonText

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_TEXTS = {
    "containment": ("containments", ("machine_name", "machine_id", "target", "reason", "requested_by"), "requested_at"),
    "incident": ("incidents", ("title", "owner", "reason"), "number"),
}


def upgrade() -> None:
    op.create_table(
        "containment_days",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("lengths", JsonText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_containment_days_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_containment_days_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_containment_days")),
    )
    op.create_index("ix_containment_days_organization", "containment_days", ["organization_id", "day"])
    op.create_index("ix_containments_account_confirmed", "containments", ["account_id", "confirmed_at"])
    op.create_index("ix_containments_account_released", "containments", ["account_id", "released_at"])
    op.drop_index("ix_runs_machine", table_name="runs")
    op.create_index("ix_runs_machine", "runs", ["machine_id", "requested_at", "id"])
    op.create_index("ix_runs_playbook", "runs", ["playbook_id", "requested_at", "id"])
    op.create_index(
        "ix_runs_saved",
        "runs",
        ["playbook_id", "finished_at", "minutes_saved"],
        postgresql_where=sa.text("minutes_saved IS NOT NULL"),
        sqlite_where=sa.text("minutes_saved IS NOT NULL"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for kind, (table, columns, order) in _TEXTS.items():
            for statement in _texts(kind, table, columns, order):
                op.execute(sa.text(statement.replace(":", "\\:")))


def _texts(kind: str, table: str, columns: tuple[str, ...], order: str) -> Iterator[str]:
    texts, numbers = f"{kind}_texts", f"{kind}_numbers"

    def text(row: str) -> str:
        return " || char(10) || ".join(f"coalesce({row}.{name}, '')" for name in columns)

    def number(row: str) -> str:
        return f"(SELECT number FROM {numbers} WHERE {kind}_id = {row}.id)"

    changed = " OR ".join(f"new.{name} IS NOT old.{name}" for name in columns)
    gone = f"INSERT INTO {texts} ({texts}, rowid, text) VALUES ('delete', {number('old')}, {text('old')});"
    come = f"INSERT INTO {texts} (rowid, text) VALUES ({number('new')}, {text('new')});"
    yield f"CREATE TABLE {numbers} (number INTEGER PRIMARY KEY AUTOINCREMENT, {kind}_id VARCHAR(36) NOT NULL UNIQUE)"
    yield f"CREATE VIRTUAL TABLE {texts} USING fts5(text, content='', detail='none', tokenize='trigram')"
    yield f"INSERT INTO {numbers} ({kind}_id) SELECT id FROM {table} ORDER BY {order}, id"
    yield (
        f"INSERT INTO {texts} (rowid, text) SELECT {numbers}.number, {text(table)} FROM {numbers} "
        f"JOIN {table} ON {table}.id = {numbers}.{kind}_id ORDER BY {numbers}.number"
    )
    yield (
        f"CREATE TRIGGER {texts}_come AFTER INSERT ON {table} BEGIN "
        f"INSERT INTO {numbers} ({kind}_id) VALUES (new.id); {come} END"
    )
    yield (
        f"CREATE TRIGGER {texts}_change AFTER UPDATE OF {', '.join(columns)} ON {table} "
        f"WHEN {changed} BEGIN {gone} {come} END"
    )
    yield f"CREATE TRIGGER {texts}_go AFTER DELETE ON {table} BEGIN {gone} DELETE FROM {numbers} WHERE {kind}_id = old.id; END"
