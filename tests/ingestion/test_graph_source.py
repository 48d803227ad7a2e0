from datetime import timedelta
from typing import Any

import pytest

from alert_samples import NOON
from both_apis import START, both_apis
from ringfence import clock
from ringfence.ingestion.graph_source import SLICE, GraphSource
from ringfence.ingestion.sources import DefenderSource

EVIDENCE: list[dict[str, Any]] = [
    {"entityType": "User", "accountName": "ada", "domainName": "CONTOSO", "userSid": "S-1-5-21-1"},
    {"entityType": "Process", "fileName": "a.exe", "filePath": "c:\\temp", "processId": 7, "sha1": "b" * 40},
    {"entityType": "File", "fileName": "b.dll", "filePath": "c:\\temp", "sha256": "c" * 64},
    {"entityType": "Ip", "ipAddress": "203.0.113.20"},
    {"entityType": "Url", "url": "https://fabrikam.com/a"},
]


class Asked:
    """A client that notes what it is asked for."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, int]] = []
        self.closed = 0

    async def graph_alert_pages(self, *, filter: str, top: int) -> Any:  # noqa: A002
        self.asked.append((filter, top))
        try:
            for page in self.pages:
                yield page
        finally:
            self.closed += 1


async def test_a_short_span_is_one_question_that_is_open_at_its_end() -> None:
    client = Asked([{"id": "a"}], [{"id": "b"}])
    clock.replace(lambda: NOON.timestamp())
    pages = [page async for page in GraphSource().pages(client, NOON - timedelta(minutes=5), top=5000)]
    assert pages == [[{"id": "a"}], [{"id": "b"}]]
    assert client.asked == [("lastUpdateDateTime ge 2026-06-01T11:55:00Z", 1000)]


async def test_a_long_span_is_asked_for_in_slices_that_leave_nothing_out() -> None:
    client = Asked([])
    clock.replace(lambda: NOON.timestamp())
    _ = [page async for page in GraphSource().pages(client, NOON - 2 * SLICE, top=10)]
    assert [asked for asked, _ in client.asked] == [
        "lastUpdateDateTime ge 2026-06-01T00:00:00Z and lastUpdateDateTime lt 2026-06-01T06:00:00Z",
        "lastUpdateDateTime ge 2026-06-01T06:00:00Z",
    ]


async def test_even_years_are_few_questions_and_a_span_that_ends_says_so() -> None:
    client = Asked([])
    clock.replace(lambda: NOON.timestamp())
    _ = [page async for page in GraphSource().pages(client, NOON - timedelta(days=3650), top=10, until=NOON)]
    assert len(client.asked) <= 49
    assert client.asked[-1][0].endswith("lt 2026-06-01T12:00:00Z")


async def test_whoever_stops_reading_leaves_no_reply_open() -> None:
    client = Asked([{"id": "a"}], [{"id": "b"}])
    pages = GraphSource().pages(client, NOON, top=10, until=NOON)
    await anext(pages)
    await pages.aclose()
    assert client.closed == 1


async def test_the_same_attack_has_the_same_names_in_both_apis() -> None:
    async with both_apis() as (control, client):
        (raised,) = await control.inject_alerts("wks-001", severity="High", evidence=EVIDENCE, mitre=["T1486"])
        await client.update_alert(raised, status="InProgress", assigned_to="ada@contoso.com", comment="Looking at it.")
        await client.update_alert(raised, classification="FalsePositive", determination="InsufficientData")
        day = START - timedelta(days=1)
        defender, graph = DefenderSource(), GraphSource()
        ((one,),) = [page async for page in defender.pages(client, day, top=10)]
        ((other,),) = [page async for page in graph.pages(client, day, top=10)]
    assert other["@odata.type"] == "#microsoft.graph.security.alert"
    first, second = defender.normalise(one), graph.normalise(other)
    assert first.event_at is not None
    assert second.event_at is not None
    # Graph shows three digits of an activity's second.
    assert timedelta() <= first.event_at - second.event_at < timedelta(milliseconds=1)
    named = {name: getattr(first, name) for name in first.__slots__ if name != "event_at"}
    assert named == {name: getattr(second, name) for name in second.__slots__ if name != "event_at"}
    assert (second.severity, second.status, second.assigned_to) == ("High", "InProgress", "ada@contoso.com")
    form = graph.form(other)
    for name in (
        "classification",
        "determination",
        "title",
        "description",
        "mitreTechniques",
        "comments",
        "loggedOnUsers",
    ):
        assert form[name] == defender.form(one)[name], name
    kept = ("entityType", "fileName", "filePath", "sha1", "sha256", "accountName", "ipAddress", "url", "processId")
    assert [{name: piece[name] for name in kept} for piece in form["evidence"]] == [
        {name: piece[name] for name in kept} for piece in one["evidence"]
    ]


@pytest.mark.parametrize("odd", [None, 7, "text"])
def test_what_is_no_alert_is_refused_by_its_reader_only(odd: Any) -> None:
    assert GraphSource().form(odd) is odd
