"""Alerts as Graph shows them, and a tenant that serves both APIs."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from alert_samples import NOON, written
from ringfence.defender import DefenderError
from ringfence.ingestion.normalise import moment


def a_graph_alert(name: str, at: datetime = NOON, **values: Any) -> dict[str, Any]:
    """Make the document that Graph has of `alert_samples.an_alert` with the same name."""
    device = {
        "@odata.type": "#microsoft.graph.security.deviceEvidence",
        "mdeDeviceId": "0" * 40,
        "deviceDnsName": "host-1.contoso.com",
    }
    document = {
        "@odata.type": "#microsoft.graph.security.alert",
        "id": f"da{name}_1",
        "providerAlertId": f"da{name}_1",
        "serviceSource": "microsoftDefenderForEndpoint",
        "incidentId": "7",
        "severity": "high",
        "status": "new",
        "classification": "unknown",
        "category": "Ransomware",
        "title": f"Alert {name}",
        "assignedTo": None,
        "createdDateTime": written(NOON - timedelta(hours=1)),
        "firstActivityDateTime": written(NOON - timedelta(hours=2)),
        "lastUpdateDateTime": written(at),
        "comments": [],
        "evidence": [device],
    }
    return document | values


class Tenants:
    """Serves documents to both sources, whole and unfiltered but for their time; as source of clients and as client.

    A source that `fails` raises that instead.
    """

    def __init__(
        self,
        defender: Iterable[Any],
        graph: Iterable[Any],
        *,
        defender_fails: DefenderError | None = None,
        graph_fails: DefenderError | None = None,
    ) -> None:
        self.defender = list(defender)
        self.graph = list(graph)
        self.fails = {"defender": defender_fails, "graph": graph_fails}
        self.client: Any = self
        self.reported: list[DefenderError] = []

    async def get(self, account_id: str) -> Any:
        """Serve as the client of any account."""
        return self.client

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Take note of a failure."""
        self.reported.append(error)
        return False

    async def alert_pages(
        self,
        *,
        filter: str,  # noqa: A002
        order_by: str,
        top: int,
        expand: Sequence[str],
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield Defender's pages."""
        async for page in self._pages("defender", self.defender, "lastUpdateTime", filter, top):
            yield page

    async def graph_alert_pages(self, *, filter: str, top: int) -> AsyncGenerator[list[dict[str, Any]], None]:  # noqa: A002
        """Yield Graph's pages."""
        async for page in self._pages("graph", self.graph, "lastUpdateDateTime", filter, top):
            yield page

    async def _pages(
        self, source: str, documents: list[Any], name: str, wanted: str, top: int
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        if failure := self.fails[source]:
            raise failure
        found = [each for each in documents if _is_wanted(moment(each.get(name)), wanted)]
        for at in range(0, len(found), top):
            yield found[at : at + top]


def _is_wanted(at: datetime | None, wanted: str) -> bool:
    for verb, text in re.findall(r"(ge|lt) (\S+)", wanted):
        limit = moment(text)
        assert limit is not None
        if at is not None and not (at >= limit if verb == "ge" else at < limit):
            return False
    return True
