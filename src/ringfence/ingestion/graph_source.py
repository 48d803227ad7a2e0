"""Alerts of Microsoft Graph security (alerts_v2) as a source of alerts.

Graph takes no order and its deep pages stop working (fact book, odata), so a long window is asked for in slices of the time of
the last update, the earliest first. An alert that changes meanwhile moves into a later slice, and is read there.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ringfence import clock
from ringfence.alerts.source import Source, common_form
from ringfence.defender import odata
from ringfence.ingestion.normalise import AlertValues, normalise

Pages = AsyncGenerator[list[dict[str, Any]], None]
SLICE: Final = timedelta(hours=6)
_MOST_SLICES: Final = 48
_UPDATED: Final = "lastUpdateDateTime"


class GraphAlertPages(Protocol):
    """The part of DefenderClient that the Graph source needs."""

    def graph_alert_pages(self, *, filter: str, top: int) -> Pages: ...  # noqa: A002


class GraphSource:
    """Alerts of Microsoft Graph security, of Defender for Endpoint and of the other products of the tenant."""

    id: Final = Source.GRAPH.value
    title: Final = "Microsoft Graph security alerts"
    largest_page: Final = 1_000
    ordered: Final = False

    async def pages(
        self, client: GraphAlertPages, since: datetime, *, top: int, until: datetime | None = None
    ) -> Pages:
        """Yield pages of raw alerts, slice by slice; within a slice in no order of their update."""
        for begin, end in _slices(since, until, clock.now()):
            wanted = odata.ge(_UPDATED, begin)
            if end is not None:
                wanted = odata.both(wanted, odata.lt(_UPDATED, end))
            pages = client.graph_alert_pages(filter=wanted, top=min(top, self.largest_page))
            async with aclosing(pages) as open_pages:
                async for page in open_pages:
                    yield page

    def form(self, document: object) -> Any:
        """Return a raw alert in the form that all sources share."""
        return common_form(Source.GRAPH, document)

    def normalise(self, document: object) -> AlertValues:
        """Return the named values of a raw alert."""
        return normalise(self.form(document))


def _slices(since: datetime, until: datetime | None, now: datetime) -> list[tuple[datetime, datetime | None]]:
    """Return neighbouring spans of time; the last is open where `until` is: what happens while it is read belongs to it."""
    found: list[tuple[datetime, datetime | None]] = []
    begin, end = since, now if until is None else until
    length = max(SLICE, (end - begin) / _MOST_SLICES)
    while end - begin > length:
        found.append((begin, begin + length))
        begin += length
    return [*found, (begin, until)]
