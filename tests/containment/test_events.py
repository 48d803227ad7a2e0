import sqlalchemy as sa

from containment_rows import rows_in
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
