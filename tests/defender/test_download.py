import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from microsoft import Microsoft, answer
from ringfence.defender import Forbidden, MalformedReply, RetryPolicy, Timeout, TransportError, Unreachable
from ringfence.defender.clouds import CLOUDS, COMMERCIAL, GCC_HIGH, Cloud
from ringfence.defender.download import check, download, within

Handler = Callable[[httpx.Request], httpx.Response]
LABEL = "GET files.securitycenter.windows.com/p"


class Body(httpx.AsyncByteStream):
    """A reply's body that tells how much of it was asked for, and may break off."""

    def __init__(self, *parts: bytes, breaks: BaseException | None = None) -> None:
        self.left = list(parts)
        self.breaks = breaks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.left:
            yield self.left.pop(0)
        if self.breaks is not None:
            raise self.breaks

    async def aclose(self) -> None:
        self.closed = True


async def nothing(_: float) -> None:
    return None


async def fetch(
    *replies: httpx.Response | Exception,
    largest: int = 100,
    seconds: float = 600.0,
    time: Callable[[], float] | None = None,
) -> list[bytes]:
    script: Iterator[httpx.Response | Exception] = iter(replies)

    def handle(request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        given = next(script)
        if isinstance(given, Exception):
            raise given
        return given

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        parts = download(
            http,
            "https://files.securitycenter.windows.com/p?sig=secret",
            label=LABEL,
            retry=RetryPolicy(attempts=3, sleep=nothing, chance=lambda: 0.0),
            largest=largest,
            seconds=seconds,
            time=time,
        )
        return [part async for part in parts]


async def test_a_file_comes_in_pieces_and_the_connection_is_given_back() -> None:
    body = Body(b"one", b"two")
    assert await fetch(httpx.Response(200, stream=body)) == [b"one", b"two"]
    assert body.closed


async def test_what_cannot_be_begun_is_tried_again() -> None:
    assert await fetch(httpx.Response(503), httpx.ConnectError("x"), httpx.Response(200, content=b"ok")) == [b"ok"]
    with pytest.raises(Unreachable):
        await fetch(*[httpx.ConnectError("x")] * 3)


async def test_a_reply_that_breaks_off_is_named_and_not_begun_again() -> None:
    body = Body(b"half", breaks=httpx.ReadError("gone"))
    with pytest.raises(TransportError) as raised:
        await fetch(httpx.Response(200, stream=body))
    assert raised.value.__context__ is None
    assert body.closed


async def test_a_file_that_is_too_large_is_given_up_before_the_rest_is_read() -> None:
    body = Body(b"x" * 60, b"x" * 60, b"x" * 60)
    with pytest.raises(MalformedReply, match="larger than 100 bytes"):
        await fetch(httpx.Response(200, stream=body))
    assert (len(body.left), body.closed) == (1, True)


async def test_a_file_that_takes_too_long_is_given_up_between_its_pieces() -> None:
    moments = iter([0.0, 0.0, 1.0, 11.0])

    class Slow(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.Event().wait()

    with pytest.raises(Timeout):
        await fetch(httpx.Response(200, stream=Slow()), seconds=10.0, time=lambda: next(moments))


async def test_a_link_that_has_ended_is_refused_in_the_words_of_the_storage_and_without_the_link() -> None:
    with pytest.raises(Forbidden) as raised:
        await fetch(httpx.Response(403, content=b"<Error><Code>AuthenticationFailed</Code></Error>"))
    assert "secret" not in f"{raised.value} {raised.value.request}"


async def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(MalformedReply):
        await fetch(*[httpx.Response(302, headers={"location": "https://169.254.169.254/"})] * 3)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("userrequests-us.securitycenter.windows.com", True),
        ("core.windows.net", True),
        ("STORAGE.BLOB.core.windows.net.", True),
        ("evilcore.windows.net", False),
        ("core.windows.net.contoso.com", False),
        ("", False),
    ],
)
def test_only_a_domain_and_what_is_below_it_counts(host: str, allowed: bool) -> None:
    assert within(host, COMMERCIAL.file_domains) is allowed


@pytest.mark.parametrize(
    "address",
    [
        "https://files.contoso.com/p",
        "http://userrequests-us.securitycenter.windows.com/p",
        "https://169.254.169.254/latest",
        "https://core.windows.net@contoso.com/p",
        "https://127.0.0.1/p",
    ],
)
def test_an_address_elsewhere_is_refused_and_its_query_not_told(address: str) -> None:
    with pytest.raises(MalformedReply) as raised:
        check(f"{address}?sig=secret", COMMERCIAL.file_domains)
    assert "secret" not in f"{raised.value} {raised.value.request}"


def test_a_simulator_serves_files_itself_and_a_cloud_never_from_this_computer() -> None:
    simulator = Cloud.simulator("http://127.0.0.1:8700")
    assert check("http://127.0.0.1:8700/safedownload/p.zip?token=1", simulator.file_domains) == (
        "GET 127.0.0.1:8700/safedownload/p.zip"
    )
    for cloud in CLOUDS.values():
        assert cloud.file_domains
        assert not within("127.0.0.1", cloud.file_domains)
    assert not within("a.blob.core.windows.net", GCC_HIGH.file_domains)
    assert within("a.blob.core.usgovcloudapi.net", GCC_HIGH.file_domains)


async def test_a_download_of_the_client_goes_where_its_cloud_has_files_only() -> None:
    microsoft = Microsoft(answer({"value": "https://files.contoso.com/p.zip?token=1"}))
    async with microsoft.client() as defender:
        with pytest.raises(MalformedReply, match=r"files\.contoso\.com"):
            await defender.download_package("x")
    assert len(microsoft.requests) == 1
