from pathlib import Path

import httpx
import pytest

from ringfence import clock
from ringfence.diagnosis import network
from ringfence.diagnosis.model import Level
from ringfence.settings import Settings
from run_world import Time

ORIGIN = "https://login.contoso.com"


def answering(date: str | None = None, *, lost: bool = False) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        if lost:
            raise httpx.ConnectError("no way", request=request)
        return httpx.Response(404, headers={} if date is None else {"Date": date})

    return httpx.MockTransport(handle)


@pytest.mark.parametrize(
    ("date", "levels"),
    [
        ("Sat, 31 Jan 2026 12:01:00 GMT", [Level.OK, Level.OK]),
        ("Sat, 31 Jan 2026 12:10:00 GMT", [Level.OK, Level.FAILURE]),
        ("Sat, 31 Jan 2026 12:00:00", [Level.OK, Level.OK]),
        ("soon", [Level.OK]),
        (None, [Level.OK]),
    ],
)
async def test_a_host_that_answers_says_what_time_it_is(date: str | None, levels: list[Level]) -> None:
    Time(clock.now().replace(year=2026, month=1, day=31, hour=12, minute=0, second=0, microsecond=0)).start()
    assert [each.level for each in await network.reach([ORIGIN], answering(date))] == levels


async def test_a_host_that_cannot_be_reached_is_named() -> None:
    [found] = await network.reach([ORIGIN], answering(lost=True))
    assert (found.level, ORIGIN in found.said, "firewall" in found.advice) == (Level.FAILURE, True, True)


@pytest.mark.parametrize(
    ("allowed", "levels"),
    [
        ("", [Level.OK]),
        ("10.1.0.5, 192.168.1.0/24", [Level.OK]),
        ("10.0.0.0/8", [Level.WARNING]),
        ("169.254.0.0/16", [Level.FAILURE, Level.OK]),
        ("nonsense", [Level.FAILURE]),
    ],
)
def test_networks_that_are_open_to_playbooks_are_told_of(allowed: str, levels: list[Level]) -> None:
    found = list(network.closed(Settings(data=Path("unused"), egress_private=allowed)))
    assert [each.level for each in found] == levels


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (None, 0),
        ("tls://log.contoso.com", 0),
        ("udp://localhost:514", 0),
        ("udp://log.contoso.com", 1),
        ("tcp://10.1.0.5", 1),
    ],
)
def test_heads_of_the_audit_log_that_go_without_tls_are_told_of(server: str | None, told: int) -> None:
    found = list(network.heads(Settings(data=Path("unused"), audit_head_syslog=server)))
    assert [each.level for each in found] == [Level.WARNING] * told
