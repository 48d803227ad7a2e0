"""Compare the two sources of one account over a span of time: what only one shows, which fields differ, how far times lie apart.

Both are asked within the same minute. Nothing is stored.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence import clock
from ringfence.alerts import graph
from ringfence.alerts.source import Source
from ringfence.defender import DefenderError, Priority, priority
from ringfence.errors import Unavailable
from ringfence.ingestion.completeness import Delays, delays
from ringfence.ingestion.normalise import NotAnAlert, moment, normalise
from ringfence.ingestion.poller import ClientSource
from ringfence.ingestion.sources import source

FIELDS: Final = (
    "title",
    "severity",
    "status",
    "category",
    "classification",
    "determination",
    "assignedTo",
    "incidentId",
    "machineId",
    "computerDnsName",
    "alertCreationTime",
    "lastUpdateTime",
    "comments",
    "evidence",
)
MOST: Final = 50_000
MARGIN: Final = timedelta(minutes=10)
"""How far before the span is read as well, for alerts whose last update one source dates before it and the other within it."""
_LISTED: Final = 500
_TIMES: Final = ("alertCreationTime", "lastUpdateTime")


class NotComparable(Unavailable):
    """One of the sources could not be read, so there is nothing to compare."""

    code = "not_comparable"


@dataclass(frozen=True, slots=True)
class Only:
    """An alert that one source alone shows; `age` is how many seconds ago it was created."""

    alert_id: str
    title: str
    created_at: datetime | None
    updated_at: datetime | None
    age: float | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field in which the sources differ; comments and evidence are compared by their number."""

    field: str
    defender: Any
    graph: Any


@dataclass(frozen=True, slots=True)
class Differing:
    """An alert that both show and do not show alike; `behind` is how many seconds Graph's last update is the later one."""

    alert_id: str
    title: str
    fields: tuple[Field, ...]
    behind: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing found; lists are cut, counts are not. `behind` and `ahead` are the distances of the times of last update.

    `other_products` counts alerts of Graph that are not Defender for Endpoint's, which the other source cannot have, and
    `unreadable` documents that are no alerts. `complete` is False where there was more than is compared at once.
    """

    since: datetime
    until: datetime
    defender: int
    graph: int
    alike: int
    only_defender_count: int
    only_graph_count: int
    differing_count: int
    only_defender: tuple[Only, ...]
    only_graph: tuple[Only, ...]
    differing: tuple[Differing, ...]
    fields: Mapping[str, int]
    behind: Delays | None
    ahead: Delays | None
    other_products: int
    unreadable: int
    complete: bool


@dataclass(frozen=True, slots=True)
class _Side:
    alerts: Mapping[str, Mapping[str, Any]]
    others: int
    unreadable: int
    complete: bool


async def compare(clients: ClientSource, account_id: str, since: datetime) -> Comparison:
    """Read both sources of an account and compare what was updated since then.

    NotComparable, naming the source, if one cannot be read; AccountUnusable if the account may not be used.
    """
    client, until = await clients.get(account_id), clock.now()
    with priority(Priority.ENRICH):
        defender, other = await asyncio.gather(
            *(_read(clients, client, account_id, each, since - MARGIN) for each in (Source.DEFENDER, Source.GRAPH))
        )
    return differences(defender.alerts, other.alerts, since=since, until=until, unread=(defender, other))


async def _read(clients: ClientSource, client: Any, account_id: str, name: Source, since: datetime) -> _Side:
    origin = source(name)
    found: dict[str, Mapping[str, Any]] = {}
    others = unreadable = 0
    try:
        async with aclosing(origin.pages(client, since, top=origin.largest_page)) as pages:
            async for page in pages:
                for document in page:
                    form = origin.form(document)
                    try:
                        values = normalise(form)
                    except NotAnAlert:
                        unreadable += 1
                        continue
                    if name is Source.GRAPH and document.get("serviceSource") != graph.PROVIDER:
                        others += 1
                    else:
                        found[values.alert_id] = form
                if len(found) > MOST:
                    return _Side(found, others, unreadable, complete=False)
    except DefenderError as error:
        await clients.report(account_id, error)
        raise NotComparable(
            f"{origin.title} cannot be read: {error.message or error.code}", advice=error.advice
        ) from error
    return _Side(found, others, unreadable, complete=True)


def differences(
    defender: Mapping[str, Mapping[str, Any]],
    other: Mapping[str, Mapping[str, Any]],
    *,
    since: datetime,
    until: datetime,
    unread: Sequence[_Side] = (),
) -> Comparison:
    """Compare alerts by their ids, both in the common form; `unread` says what could not take part. Pure.

    Those that are dated before `since`, or after `until` while the sources were read, do not count.
    """
    outside = {
        name for name in {*defender, *other} if not _is_within(since, until, defender.get(name), other.get(name))
    }
    defender = {name: document for name, document in defender.items() if name not in outside}
    other = {name: document for name, document in other.items() if name not in outside}
    only_defender = [_only(name, defender[name], until) for name in defender if name not in other]
    only_graph = [_only(name, other[name], until) for name in other if name not in defender]
    differing: list[Differing] = []
    counts: dict[str, int] = {}
    distances: list[float] = []
    both = [name for name in defender if name in other]
    for name in both:
        fields = _fields(defender[name], other[name])
        apart = _apart(defender[name].get("lastUpdateTime"), other[name].get("lastUpdateTime"))
        if apart is not None:
            distances.append(apart)
        if fields:
            differing.append(Differing(name, _title(defender[name]), fields, apart))
        for each in fields:
            counts[each.field] = counts.get(each.field, 0) + 1
    return Comparison(
        since=since,
        until=until,
        defender=len(defender),
        graph=len(other),
        alike=len(both) - len(differing),
        only_defender_count=len(only_defender),
        only_graph_count=len(only_graph),
        differing_count=len(differing),
        only_defender=tuple(only_defender[:_LISTED]),
        only_graph=tuple(only_graph[:_LISTED]),
        differing=tuple(differing[:_LISTED]),
        fields={name: counts[name] for name in FIELDS if name in counts},
        behind=delays(each for each in distances if each > 0),
        ahead=delays(-each for each in distances if each < 0),
        other_products=sum(each.others for each in unread),
        unreadable=sum(each.unreadable for each in unread),
        complete=all(each.complete for each in unread),
    )


def _is_within(since: datetime, until: datetime, *documents: Mapping[str, Any] | None) -> bool:
    times = [moment(each.get("lastUpdateTime")) for each in documents if each is not None]
    return any(at is None or since <= at <= until for at in times)


def _only(name: str, document: Mapping[str, Any], until: datetime) -> Only:
    created = moment(document.get("alertCreationTime"))
    age = None if created is None else round((until - created).total_seconds(), 3)
    return Only(name, _title(document), created, moment(document.get("lastUpdateTime")), age)


def _fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Field, ...]:
    pairs = ((name, _comparable(name, one.get(name)), _comparable(name, other.get(name))) for name in FIELDS)
    return tuple(Field(name, first, second) for name, first, second in pairs if first != second)


def _comparable(name: str, value: Any) -> Any:
    if name == "determination":
        return graph.determination(value)
    if name in ("comments", "evidence"):
        return len(value) if isinstance(value, list) else 0
    if name in _TIMES:
        # 12:00:00Z and 12:00:00.0000000Z are one time.
        read = moment(value)
        return value if read is None else clock.iso(read)
    return None if value == "" else value


def _apart(one: object, other: object) -> float | None:
    first, second = moment(one), moment(other)
    return None if first is None or second is None else round((second - first).total_seconds(), 6)


def _title(document: Mapping[str, Any]) -> str:
    title = document.get("title")
    return title[:200] if isinstance(title, str) else ""
