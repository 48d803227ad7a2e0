import pytest
import sqlalchemy as sa

from containment_rows import rows_in
from ringfence.audit import log
from ringfence.audit.verification import verify
from ringfence.containment import events
from ringfence.containment.model import State
from ringfence.storage import Database
from ringfence.storage.tables import containment_events


def test_an_event_keeps_what_it_is_given_as_far_as_a_database_can_hold_it(database: Database) -> None:
    rows = rows_in(database)
    asked = rows.request()
    database.run_now(
        lambda tx: events.write(
            tx, asked, asked.state, State.DENIED, "A\x00 server", {"os_platform": "WindowsServer2022"}
        )
    )
    query = sa.select(containment_events).where(containment_events.c.containment_id == asked.id)
    first, second = database.read_now(lambda tx: tx.all(query.order_by(containment_events.c.id)))
    assert (first["before"], first["after"], first["facts"]) == (None, "requested", None)
    assert (second["before"], second["after"]) == ("requested", "denied")
    assert second["facts"] == {"os_platform": "WindowsServer2022"}
    assert "\x00" not in second["detail"]
    assert second["detail"].endswith("server")


def test_each_event_is_in_the_audit_log_with_who_asked(database: Database) -> None:
    rows = rows_in(database)
    asked = rows.request(requested_by="asmith")
    rows.request(requested_by="bjones")
    held = rows.move(rows.claim()[0], State.APPROVED, State.SUBMITTING, State.APPROVED, State.SUBMITTING, State.PENDING)
    rows.let_go(held)
    entries = database.read_now(lambda tx: log.of_subject(tx, rows.organization_id, "containment", [asked.id]))
    assert [(entry.event.partition(":")[2], entry.actor) for entry in entries] == [
        ("requested", "asmith"),
        ("held", "bjones"),
        ("approved", "Ringfence"),
        ("submitted", "Ringfence"),
        ("noted", "Ringfence"),
        ("submitted", "Ringfence"),
        ("accepted", "Ringfence"),
        ("release_requested", "asmith"),
    ]
    assert database.read_now(lambda tx: verify(tx, rows.organization_id)).sound


def test_a_containment_does_not_move_where_it_cannot_be_written_down(database: Database) -> None:
    rows = rows_in(database)
    asked = rows.request()
    taken = rows.claim()[0]
    database.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE audit_entries RENAME TO gone")))
    with pytest.raises(sa.exc.DBAPIError):
        rows.move(taken, State.APPROVED)
    with pytest.raises(sa.exc.DBAPIError):
        rows.request("b" * 40)
    assert rows.look(asked).state is State.REQUESTED
    database.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE gone RENAME TO audit_entries")))
    assert rows.move(taken, State.APPROVED).state is State.APPROVED
