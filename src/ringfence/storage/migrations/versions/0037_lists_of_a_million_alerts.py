"""Lists of a million alerts: indexes that hold what filters ask for, and one of texts on SQLite."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_TEXT = "{0}.title || char(10) || coalesce({0}.machine_name, '')"
_NUMBER = "(SELECT number FROM alert_numbers WHERE alert_id = {0}.id)"


def upgrade() -> None:
    for name in ("ix_alerts_organization_ingested", "ix_alerts_organization_status"):
        op.drop_index(name, table_name="alerts")
    op.create_index(
        "ix_alerts_organization_ingested",
        "alerts",
        ["organization_id", "ingested_at", "id", "severity", "status", "category"],
    )
    op.create_index(
        "ix_alerts_organization_status",
        "alerts",
        ["organization_id", "status", "severity", "category", "ingested_at", "id"],
    )
    op.create_index("ix_runs_organization_status", "runs", ["organization_id", "status", "requested_at", "id"])
    op.create_index("ix_runs_machine", "runs", ["machine_id"])
    op.create_index(
        "ix_containments_organization_state", "containments", ["organization_id", "state", "requested_at", "id"]
    )
    op.create_index("ix_containments_alert", "containments", ["alert_id"])
    op.create_index("ix_containments_run", "containments", ["run_id"])
    op.create_index("ix_audit_entries_noun", "audit_entries", ["organization_id", "subject", "number"])
    op.create_index("ix_audit_entries_actor", "audit_entries", ["organization_id", "actor", "number"])
    if op.get_bind().dialect.name == "sqlite":
        _index_texts()


def _index_texts() -> None:
    for statement in (
        "CREATE TABLE alert_numbers (number INTEGER PRIMARY KEY AUTOINCREMENT, alert_id VARCHAR(36) NOT NULL UNIQUE)",
        "CREATE VIRTUAL TABLE alert_texts USING fts5(text, content='', detail='none', tokenize='trigram')",
        "INSERT INTO alert_numbers (alert_id) SELECT id FROM alerts ORDER BY ingested_at, id",
        f"INSERT INTO alert_texts (rowid, text) SELECT number, {_TEXT.format('alerts')} FROM alert_numbers "
        "JOIN alerts ON alerts.id = alert_numbers.alert_id ORDER BY number",
        f"""CREATE TRIGGER alert_texts_come AFTER INSERT ON alerts BEGIN
            INSERT INTO alert_numbers (alert_id) VALUES (new.id);
            INSERT INTO alert_texts (rowid, text) VALUES ({_NUMBER.format("new")}, {_TEXT.format("new")});
        END""",
        f"""CREATE TRIGGER alert_texts_change AFTER UPDATE OF title, machine_name ON alerts
            WHEN new.title IS NOT old.title OR new.machine_name IS NOT old.machine_name
        BEGIN
            INSERT INTO alert_texts (alert_texts, rowid, text)
                VALUES ('delete', {_NUMBER.format("old")}, {_TEXT.format("old")});
            INSERT INTO alert_texts (rowid, text) VALUES ({_NUMBER.format("new")}, {_TEXT.format("new")});
        END""",
        f"""CREATE TRIGGER alert_texts_go AFTER DELETE ON alerts BEGIN
            INSERT INTO alert_texts (alert_texts, rowid, text)
                VALUES ('delete', {_NUMBER.format("old")}, {_TEXT.format("old")});
            DELETE FROM alert_numbers WHERE alert_id = old.id;
        END""",
    ):
        op.execute(sa.text(statement.replace(":", "\\:")))
