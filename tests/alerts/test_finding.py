from datetime import timedelta
from typing import Any

import pytest

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert
from ringfence import clock
from ringfence.accounts.model import Account
from ringfence.alerts import finding, queue
from ringfence.alerts.finding import Filters, Search, Total
from ringfence.ingestion.pages import prepare, store
from ringfence.storage import Database, Transaction
from ringfence.triggers.registry import Registry

_WORDS: tuple[dict[str, Any], ...] = (
    {},
    {"severity": ["High"]},
    {"severity": ["High", "Low"], "status": ["New"]},
    {"category": ["Malware"]},
    {"status": ["Unheard of"]},
    {"text": "contoso"},
    {"text": "host-1", "severity": ["Low"]},
    {"text": "HOST-11.", "category": ["Malware"]},
    {"text": 'a "quoted" title'},
    {"text": "ost"},
    {"text": "t-"},
    {"text": "勒索"},
    {"text": "软件勒"},
    {"text": "no such thing"},
    {"text": "da0000000000017"},
    {"machine": "host-7.CONTOSO.com"},
    {"machine": "host-7.contoso.com", "severity": ["Low"]},
    {"machine": "x"},
)


@pytest.fixture
def account(database: Database) -> Account:
    """Give an account with forty alerts that differ, and another organization with one that does not count."""
    account = a_stored_account(database, an_organization(database))
    other = a_stored_account(database, an_organization(database, "Fabrikam"))
    titles = ("Ransomware", 'A "quoted" title', "检测到软件勒索行为", "50% of files")
    documents = [
        an_alert(
            f"{number:015d}",
            title=titles[number % 4],
            severity=("High", "Medium", "Low")[number % 3],
            status=("New", "Resolved")[number % 2],
            category=("Malware", "Execution")[number % 5 == 0],
            computerDnsName=f"host-{number % 12}.contoso.com",
        )
        for number in range(40)
    ]
    for minute in range(4):
        clock.replace((NOON + timedelta(minutes=minute)).timestamp)
        page = prepare(documents[minute * 10 : minute * 10 + 10])
        database.run_now(lambda tx, page=page: store(tx, account.id, page, Registry()))  # type: ignore[misc]
    database.run_now(lambda tx: store(tx, other.id, prepare([an_alert("other")]), Registry()))
    return account


def fits(alert: Any, filters: Filters) -> bool:
    text, machine = filters.text.lower(), filters.machine.lower()
    return (
        (not filters.severity or alert.severity in filters.severity)
        and (not filters.status or alert.status in filters.status)
        and (not filters.category or alert.category in filters.category)
        and (not text or text in f"{alert.title}\n{alert.machine_name}".lower() or alert.alert_id.startswith(text))
        and (not machine or alert.machine_name.lower() == machine)
    )


def test_every_way_finds_the_same_alerts_in_the_same_order_page_by_page_and_counts_them(
    database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = account.organization_id

    def walk(filters: Filters) -> tuple[list[str], Total]:
        found: list[str] = []
        cursor = None
        while True:
            page = database.read_now(lambda tx, at=cursor: queue.page(tx, organization, filters, limit=3, cursor=at))  # type: ignore[misc]
            found += [alert.id for alert in page.alerts]
            cursor = page.cursor
            if cursor is None:
                return found, database.read_now(lambda tx: queue.look(tx, organization, filters, limit=3)).total

    everything = database.read_now(lambda tx: queue.page(tx, organization)).alerts
    assert len(everything) == 40
    # So low that some filters let few alerts through and others many, and that texts are gone through in several pieces.
    monkeypatch.setattr(finding, "COUNTED", 9)
    monkeypatch.setattr(finding, "COUNTED_TEXTS", 9)
    monkeypatch.setattr(finding, "_PIECES", (2, 5))
    for words in _WORDS:
        filters = Filters(**words)
        wanted = [alert.id for alert in everything if fits(alert, filters)]
        assert walk(filters) == (wanted, Total(min(len(wanted), 9), more=len(wanted) > 9)), words


def test_a_short_text_is_looked_for_among_the_newest_where_no_index_helps(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    for number in range(4):
        clock.replace((NOON + timedelta(minutes=number)).timestamp)
        page = prepare([an_alert(str(number), title="zz")])
        embedded.run_now(lambda tx, page=page: store(tx, account.id, page, Registry()))  # type: ignore[misc]
    monkeypatch.setattr(finding, "NEWEST", 2)
    with embedded.reading() as tx:
        short = queue.look(tx, account.organization_id, Filters(text="zz"))
        assert (len(short.page.alerts), short.reach) == (2, 2)
        assert queue.look(tx, account.organization_id, Filters(text="zzz")).reach is None


def test_a_page_goes_on_where_it_was_although_the_alert_that_it_ended_with_has_gone(
    database: Database, account: Account
) -> None:
    organization, filters = account.organization_id, Filters(text="contoso")
    with database.reading() as tx:
        rows = Search(tx, organization, filters).rows(40)
        place = (rows[9]["ingested_at"], "0" * 36)
        after = Search(tx, organization, filters).rows(40, below=place)
    assert [row["id"] for row in after] == [row["id"] for row in rows if row["ingested_at"] < place[0]]


def test_a_total_that_was_not_counted_to_its_end_says_so() -> None:
    assert [str(Total(1)), str(Total(1204)), str(Total(10_000, more=True))] == ["1", "1,204", "10,000+"]


def test_postgresql_is_led_to_what_holds_a_text_or_begins_so_by_one_list_of_ids(
    database: Database, account: Account
) -> None:
    if database.sqlite:
        return

    def led(tx: Transaction, text: str) -> tuple[int, list[str]]:
        search = Search(tx, account.organization_id, Filters(text=text))
        (condition,) = search._holding
        assert " OR " not in str(condition)
        return len(condition.right.value), [row["alert_id"] for row in search.rows(50)]

    many, found = database.read_now(lambda tx: led(tx, "host-11"))
    assert (many, len(found)) == (3, 3)
    assert database.read_now(lambda tx: led(tx, "da000000000000017_")) == (1, ["da000000000000017_1"])
    begins = database.read_now(lambda tx: led(tx, "da00000000000001"))
    assert begins[0] == len(begins[1]) == 10
