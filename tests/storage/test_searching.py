import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import an_alert
from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.alerts import queue
from ringfence.ingestion.pages import prepare, store
from ringfence.storage import Database, Transaction, scope, searching
from ringfence.storage.searching import ALERTS, CONTAINMENTS, EVERY, INCIDENTS, Look, Texts
from ringfence.storage.tables import alerts, containments, incidents, metadata
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


_ASKED = (
    "contoso", "WS-0", "ransom", "%", "_", "/", "a_b", "50% of", "''", 'x"y', "no such thing", "megan.bowen",
    "playbook contain", "\n", "ows\nno", "勒索行", "x" * 300, "---",
)  # fmt: skip


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def looked_for(tx: Transaction, texts: Texts, organization_id: str, text: str) -> tuple[set[str], set[str] | None]:
    """Return the ids of the rows that hold a text, and of those to which the index leads."""
    own = sa.select(texts.table.c.id).where(texts.table.c.organization_id == organization_id, texts.holds(text))
    led = searching.few(tx, texts, organization_id, text, limit=1_000)
    if led is None:
        return set(tx.execute(own).scalars()), None
    return set(tx.execute(own).scalars()), set(tx.execute(own.where(texts.table.c.id.in_(led))).scalars())


def test_the_index_leads_to_every_row_that_holds_a_text_and_none_of_another_organization(
    database: Database, contoso: Contoso
) -> None:
    title = "a_b 50% of x\"y''z windows\nnow --- 检测到软件勒索行为"
    database.run_now(
        lambda tx: tx.execute(sa.update(alerts).where(alerts.c.id == contoso.alert_id).values(title=title))
    )
    other = an_organization(database, "Fabrikam")
    with database.reading() as tx:
        found = {
            (texts.kind, text): looked_for(tx, texts, contoso.organization_id, text)
            for texts in EVERY
            for text in _ASKED
        }
        assert {key: led for key, (_, led) in found.items() if led is not None} == {
            key: rows for key, (rows, _) in found.items() if len(key[1]) >= searching.SHORTEST
        }
        assert sum(bool(rows) for rows, _ in found.values()) > 12
        assert searching.few(tx, ALERTS, contoso.organization_id, "contoso", limit=2) is None
        # Elsewhere nothing is found, as nothing is shown.
        assert all(not looked_for(tx, texts, other, "contoso")[1] for texts in EVERY)
    with scope.within(contoso.organization_id), database.reading() as tx:
        rows, led = looked_for(tx, ALERTS, contoso.organization_id, "contoso")
        assert rows == led != set()
    with scope.within(other), database.reading() as tx:
        assert not looked_for(tx, ALERTS, other, "contoso")[1]


def test_the_indexes_of_containments_and_incidents_follow_what_becomes_of_them(
    database: Database, contoso: Contoso
) -> None:
    def where(text: str) -> list[int]:
        with database.reading() as tx:
            return [
                len(looked_for(tx, each, contoso.organization_id, text)[1] or ()) for each in (CONTAINMENTS, INCIDENTS)
            ]

    for table, column in ((containments, "machine_name"), (incidents, "reason")):
        one = table.c.organization_id == contoso.organization_id
        database.run_now(lambda tx, t=table, c=column, w=one: tx.execute(sa.update(t).where(w).values({c: "Zzyzx"})))  # type: ignore[misc]
    every = where("zzyzx")
    assert every == [6, len(database.read_now(lambda tx: tx.all(sa.select(incidents.c.id))))]
    database.run_now(lambda tx: tx.execute(sa.update(containments).values(machine_name=None, machine_id=None)))
    assert where("zzyzx") == [0, every[1]]
    database.run_now(lambda tx: tx.execute(sa.delete(containments)))
    database.run_now(lambda tx: tx.execute(sa.delete(incidents)))
    assert where("zzyzx") == where("contoso") == [0, 0]


def test_postgresql_without_its_extension_goes_without_the_index(database: Database) -> None:
    if database.sqlite:
        return
    with database.engine.connect() as connection:
        assert searching.missing(connection) == []
        connection.exec_driver_sql(f"DROP EXTENSION {searching.EXTENSION} CASCADE")
        connection.exec_driver_sql("CREATE ROLE ringfence_without_extensions NOLOGIN")
        connection.exec_driver_sql("SET LOCAL ROLE ringfence_without_extensions")
        searching.prepare(connection)
        assert searching.missing(connection) == [each.index for each in EVERY]
        tx = Transaction(connection)
        connection.exec_driver_sql("RESET ROLE")
        assert searching.few(tx, ALERTS, "any", "contoso", limit=10) is None
        searching.prepare(connection)
        assert searching.missing(connection) == []
        connection.rollback()


def test_the_names_beside_the_tables_are_no_tables_of_ours() -> None:
    assert not [name for name in metadata.tables if name.startswith(searching.OWN)]
