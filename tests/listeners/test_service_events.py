from datetime import timedelta

from accounts_samples import a_stored_account, an_organization
from hostile import HOSTILE
from ringfence import clock
from ringfence.listeners import service_events
from ringfence.listeners.service_events import KEPT, MOST, Brought
from ringfence.listeners.starting import Outcome
from ringfence.services.model import Service
from ringfence.storage import Database
from run_world import Time
from service_samples import the_service

_HEARD = Outcome("p", "Hear", "1.0", "run", "It fits.")


def _service(database: Database) -> Service:
    return the_service(database, a_stored_account(database, an_organization(database)).id)


def test_what_came_is_kept_once_with_what_came_of_it_and_goes_when_it_is_old(database: Database) -> None:
    time, found = Time().start(), _service(database)
    happened = clock.now() - timedelta(minutes=1)
    first = [Brought("1", happened, (_HEARD,)), Brought("2", None, (), elsewhere=2), Brought("3", None, ())]
    database.run_now(lambda tx: service_events.write(tx, found, first))
    time.pass_by(60)
    database.run_now(lambda tx: service_events.write(tx, found, [Brought("1", None, ()), Brought("4", None, ())]))
    kept = database.read_now(lambda tx: service_events.newest(tx, found))
    assert [(each.event_id, each.started) for each in kept] == [("4", False), ("3", False), ("2", True), ("1", True)]
    assert (kept[3].at, kept[3].outcomes, kept[2].elsewhere) == (happened, (_HEARD,), 2)
    assert kept[3].received_at < kept[0].received_at
    assert [each.event_id for each in database.read_now(lambda tx: service_events.newest(tx, found, limit=1))] == ["4"]
    time.pass_by(KEPT.total_seconds() + 1)
    assert database.read_now(lambda tx: service_events.newest(tx, found)) == []
    assert database.run_now(service_events.forget) == 4


def test_the_newest_of_each_service_are_kept_whatever_their_ids_are(embedded: Database) -> None:
    found = _service(embedded)
    many = [Brought(str(number), None, ()) for number in range(MOST + 5)]
    embedded.run_now(lambda tx: service_events.write(tx, found, many))
    odd = [*HOSTILE, "x" * 5_000, "x" * 5_001, "\ud800", ""]
    embedded.run_now(lambda tx: service_events.write(tx, found, [Brought(each, None, ()) for each in odd]))
    embedded.run_now(lambda tx: service_events.write(tx, found, []))
    kept = embedded.read_now(lambda tx: service_events.newest(tx, found))
    assert len(kept) == MOST
    assert max(len(each.event_id) for each in kept) == 400
    assert kept[len(set(odd))].event_id == str(MOST + 4)
