"""Whatever a hostile or broken server answers, the client ends at once, inside its tree of errors, and tells no secret."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import FEW, documents, texts
from microsoft import SECRET, Microsoft, answer
from operation_cases import drain
from ringfence.defender import DefenderClient, DefenderError, NewIndicator, TokenCache

SECONDS = 60.0
_NAMES = """value id error code message target @odata.nextLink @odata.count @odata.context alerts evidence status lastUpdateTime
results schema Results Schema Stats machineId error_codes access_token expires_in commands index entityType
computerDnsName title severity incidentId classification comments innerError score time count"""
NAMES = _NAMES.split()
LINKS = (
    "https://api.securitycenter.microsoft.com/api/alerts?$skip=1",
    "https://api.security.microsoft.com/api/alerts?$skip=2",
    "https://graph.microsoft.com/v1.0/security/incidents?$skiptoken=1",
    "https://api.security.microsoft.com.fabrikam.com/api/alerts",
    "https://api.security.microsoft.com@fabrikam.com/api/alerts",
    "http://api.security.microsoft.com/api/alerts",
    "//fabrikam.com",
    "https://fabrikam.com/api/alerts",
    "https://[::1",
    "javascript:alert(1)",
)
VALUES = (*LINKS, "New", "Resolved", "2026-03-01T12:00:00.1234567Z", "0001-01-01T00:00:00Z", "99999-01-01", "Succeeded")
STATUSES = (200, 200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 408, 409, 429, 500, 503)
INDICATOR = NewIndicator(
    indicator_value="a" * 40, indicator_type="FileSha1", action="Block", title="t", description="d"
)
Call = Callable[[DefenderClient], Awaitable[Any] | AsyncIterator[Any]]
CALLS: dict[str, Call] = {
    "an entity": lambda client: client.get_machine("m"),
    "a page of alerts": lambda client: client.list_alerts(limit=50),
    "pages of alerts": lambda client: client.alert_pages(top=5),
    "a list": lambda client: client.get_machine_alerts("m"),
    "a count": lambda client: client.count_machine_alerts("m"),
    "a change": lambda client: client.isolate_machine("m", comment="c"),
    "a change of an alert": lambda client: client.update_alert("a", status="Resolved"),
    "a new thing": lambda client: client.submit_indicator(INDICATOR),
    "a deletion": lambda client: client.delete_indicator("5"),
    "a hunt": lambda client: client.run_advanced_query("DeviceInfo"),
    "a hunt of Graph": lambda client: client.graph_run_hunting_query("DeviceInfo"),
    "incidents": lambda client: client.list_incidents_xdr(limit=50),
    "alerts of Graph": lambda client: client.graph_list_alerts(limit=50),
    "an address of a file": lambda client: client.get_package_sas_uri("a"),
    "a file": lambda client: client.package("a", largest=1_000_000),
    "an upload": lambda client: client.upload_library_file("a.ps1", b"x", description="d"),
    "a score": lambda client: client.get_exposure_score(),
}
HEADERS = st.dictionaries(
    st.sampled_from(
        ("Retry-After", "Content-Type", "Location", "Content-Encoding", "Date", "request-id", "Set-Cookie", "X-Odd")
    ),
    st.sampled_from(
        (
            *LINKS[:4],
            *(
                "0",
                "1",
                "-1",
                "1e400",
                "99999999999999999999",
                "NaN",
                "soon",
                "Sun, 01 Mar 2026 12:00:30 GMT",
                "Sun, 99 Foo 2026",
            ),
            *("application/json", "text/html", "a;charset=nowhere", "gzip", "br", "identity", "\x7f", "é"),
        )
    ),
    max_size=4,
)
FAULTS = (
    httpx.ConnectError("x"),
    httpx.ReadTimeout("x"),
    httpx.RemoteProtocolError("x"),
    httpx.ReadError("x"),
    httpx.PoolTimeout("x"),
    httpx.ProxyError("x"),
    httpx.DecodingError("x"),
    httpx.TooManyRedirects("x"),
)


class _Cut(httpx.AsyncByteStream):
    """A body that ends in the middle."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def _content() -> st.SearchStrategy[bytes]:
    document = documents(list(NAMES), VALUES)
    entity = st.dictionaries(st.sampled_from(NAMES), document, max_size=6)
    page = st.fixed_dictionaries(
        {"value": st.lists(entity, max_size=3)}, optional={"@odata.nextLink": st.sampled_from(LINKS)}
    )
    text = (page | entity | document).map(lambda value: json.dumps(value).encode())
    odd = st.sampled_from(
        (
            b"",
            b"<html>",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\x00",
            b"[" * 100_000,
            b'{"a":' * 5_000,
            b"NaN",
            b'{"value":[]}x',
        )
    )
    return text | text.map(lambda value: value[:-1]) | odd | st.binary(max_size=40)


@st.composite
def replies(draw: st.DrawFn) -> httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]:
    """Make a reply, a failure of the network, or a reply that breaks off."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from(FAULTS))
    status = draw(st.sampled_from(STATUSES) | st.integers(100, 599))
    content, headers = draw(_content()), draw(HEADERS)
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    if draw(st.booleans()) and headers.get("Content-Encoding") == "gzip":
        content = gzip.compress(content)[: draw(st.integers(0, 40))]
    if draw(st.integers(0, 7)) == 0:
        return lambda _: httpx.Response(status, headers=raw, stream=_Cut(content))
    return lambda _: httpx.Response(status, headers=raw, stream=httpx.ByteStream(content))


async def _driven(microsoft: Microsoft, call: Call, tokens: TokenCache | None = None) -> None:
    try:
        async with asyncio.timeout(SECONDS), microsoft.client(attempts=2, tokens=tokens) as client:
            await drain(call(client))
    except DefenderError as error:
        told = f"{error!r} {error} {error.advice}"
        assert SECRET not in told
        assert "token-1" not in told
    hosts = {request.url.host for request in microsoft.requests}
    assert all(host.endswith(".microsoft.com") for host in hosts), hosts
    assert all(request.url.scheme == "https" for request in microsoft.requests)


@pytest.mark.parametrize("name", list(CALLS))
@FEW
@given(script=st.lists(replies(), min_size=1, max_size=3))
async def test_any_reply_of_an_api_ends_a_call_as_it_should(name: str, script: list[Any]) -> None:
    await _driven(Microsoft(*script, otherwise=answer({"value": []})), CALLS[name], _SIGNED_IN)


_SIGNED_IN = TokenCache()
"""Shared, so that only the first example has to sign in."""


@FEW
@given(script=st.lists(replies(), min_size=1, max_size=3), name=st.sampled_from(["an entity", "a change"]))
async def test_any_reply_of_the_login_host_ends_a_call_as_it_should(script: list[Any], name: str) -> None:
    await _driven(Microsoft(otherwise=answer({"id": "m"}), logins=script), CALLS[name])


@FEW
@given(key=texts, comment=texts, filter_=texts)
async def test_any_argument_is_sent_as_one_or_refused(key: str, comment: str, filter_: str) -> None:
    calls: list[Call] = [
        lambda client: client.get_machine(key),
        lambda client: client.isolate_machine(key, comment=comment),
        lambda client: client.list_alerts(filter=filter_, limit=1),
        lambda client: client.get_file(key),
        lambda client: client.get_domain_stats(key),
    ]
    for call in calls:
        microsoft = Microsoft(otherwise=answer({"id": "m", "value": []}))
        await _driven(microsoft, call, _SIGNED_IN)
        for request in microsoft.requests:
            assert request.url.path.startswith("/api/")
            assert request.url.path.count("/") <= 5
