from datetime import timedelta

import pytest

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON
from ringfence import clock
from ringfence.errors import Conflict, Invalid
from ringfence.services import service
from ringfence.services.model import Service, ServiceState
from ringfence.services.service import Wanted
from ringfence.storage import Database
from service_samples import put, the_service


class Desk:
    def __init__(self, database: Database) -> None:
        clock.replace(NOON.timestamp)
        self.database = database
        self.organization = an_organization(database)
        self.account = a_stored_account(database, self.organization)

    def create(self, name: str, **values: object) -> Service:
        wanted = Wanted(**values)  # type: ignore[arg-type]
        return self.database.run_now(lambda tx: service.create(tx, self.organization, self.account.id, name, wanted))

    def edit(self, found: Service, **values: object) -> Service:
        wanted = Wanted(**values)  # type: ignore[arg-type]
        return self.database.run_now(lambda tx: service.edit(tx, found, wanted))


def test_a_service_is_made_with_what_is_said_of_it(database: Database) -> None:
    desk = Desk(database)
    made = desk.create(
        " night watch ", source="graph", interval="Adaptive", history="30  days ago", updates=False, max_restarts=5
    )
    assert (made.name, made.source, made.interval, made.history) == ("night watch", "graph", "adaptive", "30 days ago")
    assert (made.updates, made.max_restarts, made.account) == (False, 5, "contoso")
    assert (made.state, made.enabled) == (ServiceState.STARTING, True)


@pytest.mark.parametrize(
    "values",
    [
        {"source": "siem"},
        {"interval": "often"},
        {"history": "in 3 days"},
        {"max_restarts": -1},
        {"max_restarts": 101},
        {"name": "line\nbreak"},
        {"pool": "two words"},
        {"notify_to": ["nobody"]},
        {"notify_to": ["soc@contoso.com\r\nBcc: eve@fabrikam.com"]},
        {"notify_to": [f"{number}@contoso.com" for number in range(21)]},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_when_made_and_when_edited(
    embedded: Database, values: dict[str, object]
) -> None:
    desk = Desk(embedded)
    with pytest.raises(Invalid):
        desk.edit(the_service(embedded, desk.account.id), **values)
    with pytest.raises(Invalid):
        desk.create(str(values.pop("name", "another")), **values or {"interval": "x"})


def test_a_name_is_given_once(database: Database) -> None:
    desk = Desk(database)
    with pytest.raises(Conflict, match="'contoso'"):
        desk.create("contoso")
    other = desk.create("other")
    with pytest.raises(Conflict, match="'contoso'"):
        desk.edit(other, name="contoso")
    changed = desk.edit(other, name="other", interval="5")
    assert changed.interval == "5"
    assert service.edition(changed) != service.edition(other)
    assert service.edition(database.run_now(lambda tx: service.pause(tx, changed))) == service.edition(changed)


def test_words_may_be_taken_back(embedded: Database) -> None:
    desk = Desk(embedded)
    made = desk.create("other", interval="5", history="1 day ago")
    made = desk.edit(made, interval="", history="")
    assert (made.interval, made.history) == ("", "")
    assert desk.edit(made) == made


def test_a_new_source_is_read_from_the_beginning(embedded: Database) -> None:
    desk = Desk(embedded)
    row = put(embedded, the_service(embedded, desk.account.id).id, watermark=NOON)
    assert desk.edit(row, interval="5").watermark == NOON
    assert desk.edit(row, source="graph").watermark is None


def test_a_service_that_is_resumed_starts_anew_and_reads_on_where_it_stood(database: Database) -> None:
    desk = Desk(database)
    row = put(database, the_service(database, desk.account.id).id, watermark=NOON, polled_at=NOON, failures=9)
    off = database.run_now(lambda tx: service.pause(tx, row))
    assert (off.state, off.enabled) == (ServiceState.OFF, False)
    clock.replace((NOON + timedelta(hours=1)).timestamp)
    on = database.run_now(lambda tx: service.resume(tx, row))
    assert (on.state, on.failures, on.watermark) == (ServiceState.STARTING, 0, NOON)
    assert on.activated_at == clock.now()


def test_how_far_back_a_poll_may_go_is_the_services_word_or_the_installations(embedded: Database) -> None:
    desk = Desk(embedded)
    row = the_service(embedded, desk.account.id)
    assert service.poll_start(row, "1 day ago", NOON) == NOON - timedelta(days=1)
    row = desk.edit(row, history="2 hours ago")
    assert service.poll_start(row, "1 day ago", NOON) == NOON - timedelta(hours=2)
