import pytest

from alert_samples import NOON, Tenant, an_alert
from ringfence.errors import Invalid
from ringfence.ingestion.sources import SOURCES, DefenderSource, source


async def test_defender_is_asked_for_what_was_updated_since_in_the_order_of_updates() -> None:
    tenant = Tenant([an_alert("1"), an_alert("2")])
    pages = [page async for page in DefenderSource().pages(tenant, NOON, top=1)]
    assert [[each["id"] for each in page] for page in pages] == [["da1_1"], ["da2_1"]]
    assert tenant.asked == ["lastUpdateTime ge 2026-06-01T12:00:00Z"]


async def test_a_span_that_ends_is_asked_for_with_its_end() -> None:
    asked: list[str] = []

    class Client(Tenant):
        async def alert_pages(self, *, filter: str, **rest: object):  # type: ignore[no-untyped-def] # noqa: A002
            asked.append(filter)
            yield [an_alert("1")]

    pages = [page async for page in DefenderSource().pages(Client(), NOON, top=1, until=NOON)]
    assert len(pages) == 1
    assert asked == ["lastUpdateTime ge 2026-06-01T12:00:00Z and lastUpdateTime lt 2026-06-01T12:00:00Z"]


def test_a_source_is_found_by_its_id_and_another_is_refused_with_those_that_there_are() -> None:
    for name, each in SOURCES.items():
        assert source(name) is each
        assert each.id == name
    with pytest.raises(Invalid, match="no source named 'siem'"):
        source("siem")
