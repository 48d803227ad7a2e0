from datetime import UTC, datetime, timedelta
from typing import Any

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.alerts import writes
from ringfence.alerts.echo import Write
from ringfence.storage import Database

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Desk:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.account = a_stored_account(database, an_organization(database)).id
        self.at(NOON)

    def at(self, moment: datetime) -> None:
        clock.replace(lambda: moment.timestamp())

    def record(self, *alerts: str, key: str = "run:step:0", **values: Any) -> None:
        self.database.run_now(lambda tx: writes.record(tx, self.account, alerts, values, key))

    def unseen(self, *alerts: str) -> dict[str, list[Write]]:
        return self.database.read_now(lambda tx: writes.unseen(tx, self.account, alerts))


def test_what_was_written_is_found_by_alert_until_it_was_shown(database: Database) -> None:
    desk = Desk(database)
    desk.record("a", "b", "a", status="Resolved", assignedTo=None)
    write = Write("status", "Resolved", NOON, "run:step:0")
    assert desk.unseen("a", "b", "c") == {"a": [write], "b": [write]}
    database.run_now(lambda tx: writes.mark_shown(tx, desk.account, "a", 2, [write]))
    assert desk.unseen("a", "b") == {"b": [write]}


def test_writing_it_again_changes_nothing(database: Database) -> None:
    desk = Desk(database)
    desk.record("a", status="Resolved")
    desk.at(NOON + timedelta(minutes=1))
    desk.record("a", status="Resolved")
    assert [each.written_at for each in desk.unseen("a")["a"]] == [NOON]


def test_what_was_refused_is_forgotten_for_that_step_alone(database: Database) -> None:
    desk = Desk(database)
    desk.record("a", status="Resolved")
    desk.record("a", key="run:other:0", status="InProgress")
    database.run_now(lambda tx: writes.withdraw(tx, desk.account, "run:step:0"))
    assert [each.value for each in desk.unseen("a")["a"]] == ["InProgress"]


def test_what_was_never_shown_is_looked_for_a_week_and_then_deleted(database: Database) -> None:
    desk = Desk(database)
    desk.record("a", status="Resolved")
    desk.at(NOON + writes.KEPT)
    assert desk.unseen("a") == {}
    assert database.run_now(writes.forget) == 1
    assert database.run_now(writes.forget) == 0
