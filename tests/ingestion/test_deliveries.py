"""Whatever the order, the source and the trouble: each version once, each change one run, nothing lost."""

import json
import queue as queues
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert, publish
from graph_samples import a_graph_alert
from ringfence import clock
from ringfence.alerts.source import common_form
from ringfence.ingestion.pages import Stored, prepare, store
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alert_versions, alerts, runs
from ringfence.triggers.registry import Registry

_STATUSES = (("New", "new"), ("InProgress", "inProgress"), ("Resolved", "resolved"))
_SEVERITIES = (("High", "high"), ("Low", "low"))
SEED = 20_260_601


class Crash(Exception):
    """The process ends before its commit."""


@dataclass(frozen=True, slots=True, order=True)
class Delivery:
    """One appearance of one revision of an alert in one source."""

    alert: int
    revision: int
    source: str = "defender"

    @property
    def document(self) -> dict[str, Any]:
        """Return it as the source shows it; every revision says something that no other says."""
        at = NOON + timedelta(minutes=self.revision, microseconds=self.alert)
        ours, theirs = _STATUSES[self.revision % 3]
        high, low = _SEVERITIES[self.revision % 2]
        comments = [f"remark {number}" for number in range(self.revision)]
        if self.source == "graph":
            texts = [{"comment": text, "createdByDisplayName": "ada"} for text in comments]
            return a_graph_alert(f"{self.alert}", at, status=theirs, severity=low, comments=texts)
        texts = [{"comment": text, "createdBy": "ada"} for text in comments]
        return an_alert(f"{self.alert}", at, status=ours, severity=high, comments=texts)


class Tenancy:
    """An account with one playbook that every change starts."""

    def __init__(self, database: Database) -> None:
        clock.replace(lambda: (NOON + timedelta(hours=5)).timestamp())
        self.database = database
        self.organization = an_organization(database, clock.new_id())
        self.account = a_stored_account(database, self.organization)
        publish(database, self.organization, "Look", "{type: defender.alert, changes: [created, updated]}")

    def take(self, page: Sequence[Delivery], registry: Registry, *, crash: bool = False) -> Stored:
        """Store a page of one source, or end before its commit."""
        read = prepare([each.document for each in page], page[0].source)

        def work(tx: Transaction) -> Stored:
            stored = store(tx, self.account.id, read, registry)
            if crash:
                raise Crash
            return stored

        return self.database.run_now(work)

    def check(self, delivered: Sequence[Delivery]) -> None:
        """Demand that everything stands as it must after these deliveries, in whatever order they were stored."""
        version = alert_versions.c
        query = (
            sa.select(alerts.c.id, alerts.c.alert_id, alerts.c.version.label("present"), alerts.c.status)
            .add_columns(version.version, version.standing, version.source, version.raw, version.transitions)
            .join(alert_versions, version.alert_id == alerts.c.id)
            .where(alerts.c.account_id == self.account.id)
        )
        rows = self.database.read_now(lambda tx: tx.all(query))
        found = Counter((row["alert_id"], _revision(row)) for row in rows)
        assert found == Counter({(f"da{each.alert}_1", each.revision) for each in delivered})

        asked = sa.select(runs.c.alert_id, runs.c.alert_version).where(runs.c.organization_id == self.organization)
        started = Counter(
            (row["alert_id"], row["alert_version"]) for row in self.database.read_now(lambda tx: tx.all(asked))
        )
        news = [row for row in rows if row["standing"] == "news"]
        assert started == Counter((row["id"], row["version"]) for row in news)
        created = Counter(row["alert_id"] for row in news if "created" in row["transitions"])
        assert created == Counter({f"da{each.alert}_1" for each in delivered})

        newest = {each.alert: each.revision for each in sorted(delivered)}
        present = {row["alert_id"]: _revision(row) for row in rows if row["version"] == row["present"]}
        assert present == {f"da{alert}_1": revision for alert, revision in newest.items()}
        assert all(row["standing"] == "news" for row in rows if row["version"] == row["present"])


def _revision(row: Any) -> int:
    return len(common_form(row["source"], json.loads(row["raw"]))["comments"])


def _pages(deliveries: Sequence[Delivery], sizes: Sequence[int]) -> list[list[Delivery]]:
    """Cut deliveries into pages, each of one source, as long as the sizes say, again and again."""
    pages: list[list[Delivery]] = []
    left = sizes[0]
    for each in deliveries:
        if not pages or left <= 0 or pages[-1][0].source != each.source:
            pages.append([])
            left = sizes[len(pages) % len(sizes)]
        pages[-1].append(each)
        left -= 1
    return pages


ONE = st.builds(Delivery, st.integers(0, 3), st.integers(0, 5), st.sampled_from(("defender", "graph")))
DELIVERIES = st.lists(ONE, min_size=1, max_size=40)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)
CRASHES = st.sets(st.integers(0, 20), max_size=5).map(sorted)
FIXED = settings(
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _in_any_order(database: Database, deliveries: list[Delivery], sizes: list[int], crashes: list[int]) -> None:
    tenancy, registry = Tenancy(database), Registry()
    for number, page in enumerate(_pages(deliveries, sizes)):
        if number in crashes:
            # What was not committed is delivered again, later, by the next poll's overlap.
            with pytest.raises(Crash):
                tenancy.take(page, registry, crash=True)
        tenancy.take(page, registry)
    tenancy.check(deliveries)


@given(DELIVERIES, SIZES, CRASHES)
@settings(FIXED, max_examples=60)
def test_shuffled_late_doubled_and_mixed_deliveries_are_each_taken_once(
    embedded: Database, deliveries: list[Delivery], sizes: list[int], crashes: list[int]
) -> None:
    _in_any_order(embedded, deliveries, sizes, crashes)


@given(DELIVERIES, SIZES, CRASHES)
@settings(FIXED, max_examples=15)
def test_they_are_on_both_databases(
    database: Database, deliveries: list[Delivery], sizes: list[int], crashes: list[int]
) -> None:
    _in_any_order(database, deliveries, sizes, crashes)


@pytest.mark.parametrize("sources", [("defender",), ("graph",), ("defender", "graph")], ids="-".join)
def test_thousands_by_two_workers_that_crash_lose_and_double_nothing(
    database: Database, sources: tuple[str, ...]
) -> None:
    chance = random.Random(SEED)
    wanted = [Delivery(alert, revision, source) for alert in range(60) for revision in range(5) for source in sources]
    deliveries = [*wanted, *chance.choices(wanted, k=2000 - len(wanted))]
    chance.shuffle(deliveries)
    # As a tenant delivers them: newer revisions tend to come later, and some come hours late.
    deliveries.sort(key=lambda each: each.revision + chance.random() * 3)
    tenancy = Tenancy(database)
    pages: queues.Queue[tuple[list[Delivery], bool]] = queues.Queue()
    for page in _pages([each for source in sources for each in deliveries if each.source == source], [25, 1, 40, 7]):
        pages.put((page, chance.random() < 0.15))
    _work_off(pages, tenancy.take, workers=2)
    tenancy.check(deliveries)


def _work_off(pages: "queues.Queue[tuple[list[Delivery], bool]]", take: Callable[..., Stored], *, workers: int) -> None:
    """Let workers, each with a memory of its own, take pages until none is left; a page that crashed comes once more."""
    failures: list[BaseException] = []

    def work() -> None:
        registry = Registry()
        try:
            while True:
                page, crash = pages.get_nowait()
                try:
                    take(page, registry, crash=crash)
                except Crash:
                    pages.put((page, False))
        except queues.Empty:
            return
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [], f"seed {SEED}"
    assert pages.empty(), f"seed {SEED}"
