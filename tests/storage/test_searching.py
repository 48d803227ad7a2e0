import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import an_alert
from ringfence.alerts import queue
from ringfence.ingestion.pages import prepare, store
from ringfence.storage import Database, searching
from ringfence.storage.searching import ALERTS, Look
from ringfence.storage.tables import alerts
from ringfence.triggers.registry import Registry


def found(database: Database, text: str) -> int:
    return len(database.read_now(lambda tx: Look(tx, ALERTS, text).some(below=None, limit=10)))


def test_the_index_follows_what_becomes_of_an_alert(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    page = prepare([an_alert("a", title='A "quoted" title')])
    embedded.run_now(lambda tx: store(tx, account.id, page, Registry()))
    alert = embedded.read_now(lambda tx: queue.page(tx, account.organization_id)).alerts[0]
    number = embedded.read_now(lambda tx: searching.number_of(tx, ALERTS, alert.id))
    assert number is not None
    with embedded.reading() as tx:
        assert tx.scalar(searching.ids_of(ALERTS, [number])) == alert.id
        assert Look(tx, ALERTS, "quoted").some(below=number, limit=10) == []
    assert [found(embedded, text) for text in ('"QUOTED', "nothing of it", "x" * 300)] == [1, 0, 0]
    one = alerts.c.id == alert.id
    embedded.run_now(lambda tx: tx.execute(sa.update(alerts).where(one).values(title="Another", machine_name=None)))
    assert [found(embedded, text) for text in ("quoted", "another")] == [0, 1]
    embedded.run_now(lambda tx: tx.execute(sa.delete(alerts).where(one)))
    assert found(embedded, "another") == 0
    assert embedded.read_now(lambda tx: searching.number_of(tx, ALERTS, alert.id)) is None
