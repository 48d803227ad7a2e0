"""Where alerts are read from: one object for each API that offers them, all asked and understood in the same way.

A source holds no state; the client that it is given decides the tenant. Its documents are kept as they came, and its
`normalise` gives them the names that all alerts share.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, Protocol

from ringfence.defender import odata
from ringfence.errors import Invalid
from ringfence.ingestion.graph_source import GraphSource
from ringfence.ingestion.normalise import AlertValues, normalise

Pages = AsyncGenerator[list[dict[str, Any]], None]


class AlertSource(Protocol):
    """One API that alerts are read from; `id` is its name in a service, `largest_page` the most alerts of one reply.

    `ordered` says whether alerts come in the order of their last update, as long as the service keeps what it promises.
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def largest_page(self) -> int: ...
    @property
    def ordered(self) -> bool: ...

    def pages(self, client: Any, since: datetime, *, top: int, until: datetime | None = None) -> Pages:
        """Yield pages of raw alerts updated at `since` or later (and before `until`), the earliest first where it can be asked.

        With evidence. The caller closes the generator, and may do so early.
        """
        ...

    def form(self, document: object) -> Any:
        """Return a raw alert in the form that all sources share: Defender's."""

    def normalise(self, document: object) -> AlertValues:
        """Return the named values of a raw alert; NotAnAlert, saying why, if it is none."""
        ...


class AlertPages(Protocol):
    """The part of DefenderClient that the Defender source needs."""

    def alert_pages(
        self,
        *,
        filter: str,  # noqa: A002
        order_by: str,
        top: int,
        expand: Sequence[str],
    ) -> Pages: ...


class DefenderSource:
    """Alerts of Microsoft Defender for Endpoint, in its own API (page get-alerts)."""

    id: Final = "defender"
    title: Final = "Defender for Endpoint alerts"
    largest_page: Final = 10_000
    ordered: Final = True

    async def pages(self, client: AlertPages, since: datetime, *, top: int, until: datetime | None = None) -> Pages:
        """Yield pages of raw alerts, ordered by the time of their last update."""
        wanted = odata.ge("lastUpdateTime", since)
        if until is not None:
            wanted = odata.both(wanted, odata.lt("lastUpdateTime", until))
        pages = client.alert_pages(filter=wanted, order_by="lastUpdateTime asc", top=top, expand=("evidence",))
        async with aclosing(pages) as open_pages:
            async for page in open_pages:
                yield page

    def form(self, document: object) -> Any:
        """Return a raw alert as it is."""
        return document

    def normalise(self, document: object) -> AlertValues:
        """Return the named values of a raw alert."""
        return normalise(document)


SOURCES: Final[dict[str, AlertSource]] = {source.id: source for source in (DefenderSource(), GraphSource())}
"""Every source by its id."""


def source(source_id: str) -> AlertSource:
    """Return a source by its id; Invalid, with those that there are, for any other."""
    found = SOURCES.get(source_id)
    if found is None:
        raise Invalid(f"There is no source named {source_id[:40]!r}.", advice=f"There are: {', '.join(SOURCES)}.")
    return found
