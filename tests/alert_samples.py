"""Alerts, and a tenant that serves them the way Defender does, for tests of ingestion."""

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.defender import DefenderError
from ringfence.ingestion.normalise import moment
from ringfence.ingestion.poller import Poller
from ringfence.playbooks import library
from ringfence.settings import Settings
from ringfence.storage import Database

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def written(at: datetime, seventh: int = 0) -> str:
    """Write a time with seven digits after the second, as Defender does."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}{seventh}Z"


def an_alert(name: str, at: datetime = NOON, **values: Any) -> dict[str, Any]:
    """Make the document of an alert that was last updated at a time."""
    document = {
        "id": f"da{name}_1",
        "incidentId": 7,
        "severity": "High",
        "status": "New",
        "category": "Ransomware",
        "title": f"Alert {name}",
        "assignedTo": None,
        "alertCreationTime": written(NOON - timedelta(hours=1)),
        "firstEventTime": written(NOON - timedelta(hours=2)),
        "lastUpdateTime": written(at),
        "machineId": "0" * 40,
        "computerDnsName": "host-1.contoso.com",
        "comments": [],
        "evidence": [],
    }
    return document | values


LOOK = "{look: {action: jmespath.query, with: {expression: title}}}"


def publish(database: Database, organization_id: str, name: str, trigger: str, *, steps: str = LOOK) -> str:
    """Publish a playbook with a trigger and return its id."""
    source = f"ringfence: 1\nname: {name}\ntrigger: {trigger}\nsteps: {steps}\n"
    catalogue = discover()
    done = database.run_now(lambda tx: library.publish(tx, organization_id, source, "ada", catalogue=catalogue))
    return done.playbook.id


class Tenant:
    """Serves its documents filtered, ordered and paged at the moment when a page is asked for; as source and as client.

    `between` is called with the number of each page before it is served: it may change the tenant, or raise.
    """

    def __init__(self, documents: Iterable[dict[str, Any]] = (), *, ordered: bool = True) -> None:
        self.documents: list[Any] = list(documents)
        self.ordered = ordered
        self.between: Callable[[int], None] = lambda page: None
        self.asked: list[str] = []
        self.pages = 0
        self.reported: list[DefenderError] = []

    async def get(self, account_id: str) -> "Tenant":
        """Serve as the client of any account."""
        return self

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Take note of a failure."""
        self.reported.append(error)
        return False

    def put(self, document: dict[str, Any]) -> None:
        """Add an alert, or replace the one with the same id."""
        self.documents = [each for each in self.documents if each.get("id") != document.get("id")] + [document]

    async def alert_pages(
        self,
        *,
        filter: str,  # noqa: A002
        order_by: str,
        top: int,
        expand: Sequence[str],
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield pages by $skip, until one is short."""
        self.asked.append(filter)
        since = _since(filter)
        skip = 0
        while True:
            self.pages += 1
            self.between(self.pages)
            found = [each for each in self.documents if _time(each) >= since]
            if self.ordered:
                found.sort(key=_time)
            page = found[skip : skip + top]
            if page:
                yield page
            if len(page) < top:
                return
            skip += top


def _since(text: str) -> datetime:
    found = re.fullmatch(r"lastUpdateTime ge (\S+)", text)
    assert found is not None
    since = moment(found[1])
    assert since is not None
    return since


def _time(document: dict[str, Any]) -> datetime:
    # What has no time that can be read is delivered in any case: odd alerts must not be hidden from the tests.
    return moment(document.get("lastUpdateTime")) or clock.now()


def a_poller(
    database: Database, tenant: Tenant, on_runs: Callable[[list[str]], None] = lambda runs: None, **settings: Any
) -> Poller:
    """Make a poller of a tenant, a day of history, five minutes of overlap."""
    defaults: dict[str, Any] = {"poll_history": "1 day ago", "poll_overlap": 300.0, "poll_page_size": 100}
    return Poller(database, tenant, Settings(**defaults | settings), on_runs)
