import pytest

from contoso import Contoso, seed
from ringfence.containment.incident_view import View, view
from ringfence.errors import NotFound
from ringfence.storage import Database


@pytest.fixture
def contoso(database: Database) -> Contoso:
    return database.run_now(seed)


def look(database: Database, contoso: Contoso, number: int) -> View:
    return database.read_now(lambda tx: view(tx, contoso.organization_id, number))


def test_what_happened_to_an_incident_and_to_its_hosts_is_one_timeline(database: Database, contoso: Contoso) -> None:
    found = look(database, contoso, contoso.incident_number)
    times = [moment.at for moment in found.timeline]
    assert times == sorted(times)
    of_hosts = [moment.kind for moment in found.timeline if moment.host]
    assert of_hosts == ["requested", "approved", "submitting", "pending", "contained"]
    assert next(moment.kind for moment in found.timeline if not moment.host) == "created"
    assert (found.isolated, [host.name for host in found.held]) == (1, ["fin-ws-014.contoso.com"])


def test_suggestions_are_for_incidents_that_are_not_resolved(database: Database, contoso: Contoso) -> None:
    assert look(database, contoso, contoso.incident_number).suggestions != ()
    assert look(database, contoso, 1).suggestions == ()
    with pytest.raises(NotFound):
        look(database, contoso, 99)
